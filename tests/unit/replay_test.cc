// Tests of replay: a trace line reads back, the fleet is rebuilt as policies saw it, and the sums are
// those done by hand.

#include "replay/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>

#include "replay/policies.h"
#include "replay/rebuild.h"
#include "rl/live/learned_policy.h"
#include "scheduler/place.h"
#include "scheduler/random_fleet.h"
#include "scheduler/ranking.h"
#include "tests/unit/learned_bundle.h"

namespace skerry::replay {
namespace {

using scheduler::Objectives;
using ::testing::HasSubstr;

// Two idle nodes: "quick" takes 1 s and 4 J, "frugal" 2 s and 1 J; latency counts 0.75, energy 0.25.
TracedDecision two_candidates(std::size_t chosen) {
  TracedDecision decision{.preference = {{0.75, 0.25, 0, 0}},
                          .scale = {.ideal = {1, 1, 0, 0}, .nadir = {2, 4, 0, 0}},
                          .candidates = {},
                          .chosen = chosen,
                          .complete = true};
  for (const auto& [name, number, predicted] :
       {std::tuple("quick", 3u, Objectives{1, 4, 0, 0}), {"frugal", 5u, Objectives{2, 1, 0, 0}}}) {
    decision.candidates.push_back(
        {.node = name,
         .variant = "v",
         .prediction = {.service_s = predicted.latency_s, .objectives = predicted},
         .facts = {.node = {number},
                   .variant = {0},
                   .slots = 2,
                   .outstanding = number == 3u ? 2u : 0u,
                   .capacity = 4,
                   .bandwidth_bytes_per_s = 1e6}});
  }
  return decision;
}

Report replayed(const std::string& policy, const std::vector<TracedDecision>& decisions) {
  Replay replay(*find_policy(policy));
  for (const TracedDecision& decision : decisions) {
    replay.add(decision);
  }
  return replay.report();
}

TEST(Replay, CountsAgreementAndRegretByObjective) {
  // Greedy: quick costs 0.25 x 1, frugal 0.75 x 1.
  const Report report = replayed("greedy", {two_candidates(0), two_candidates(1)});
  EXPECT_EQ(report.decisions, 2u);
  EXPECT_EQ(report.agreed, 1u);
  EXPECT_DOUBLE_EQ(report.regret, (0 + (0.25 - 0.75)) / 2);
  EXPECT_DOUBLE_EQ(report.normalised[0], -0.5);
  EXPECT_DOUBLE_EQ(report.normalised[1], 0.5);
  EXPECT_DOUBLE_EQ(report.raw.latency_s, -0.5);
  EXPECT_DOUBLE_EQ(report.raw.energy_j, 1.5);
}

TEST(Replay, SeesHowBusyNodesWere) {
  const Report report =
      replayed("jsq", {two_candidates(0)});  // quick has two attempts, frugal none
  EXPECT_EQ(report.agreed, 0u);
}

TEST(Replay, CountsWhatWasMeasuredWhereBothChoseTheSame) {
  TracedDecision same = two_candidates(0);
  same.actual = Objectives{1.4, 4, 0, 0};  // 0.75 x 0.4 + 0.25
  TracedDecision other = two_candidates(1);
  other.actual = Objectives{2, 1, 0, 0};
  const Report report = replayed("greedy", {same, other});
  EXPECT_EQ(report.outcomes.outcomes, 2u);
  EXPECT_EQ(report.outcomes.matched, 1u);
  EXPECT_DOUBLE_EQ(report.outcomes.measured, 0.55 + 0.75);
  const double bias = (0.3 + 0) / 2;  // what was measured - what was predicted, on average
  EXPECT_DOUBLE_EQ(scheduler::estimate(report.outcomes).cost, (0.55 + 0.25 + bias) / 2);
}

TEST(Replay, LeavesOutDecisionsWhoseCandidatesAreNotAllThere) {
  TracedDecision cut = two_candidates(0);
  cut.complete = false;
  EXPECT_EQ(replayed("greedy", {cut}).incomplete, 1u);
  Replay all(*find_policy("greedy"), true);
  all.add(cut);
  EXPECT_EQ(all.report().decisions, 1u);
}

TEST(Replay, AnUnknownPolicyIsSaid) {
  EXPECT_EQ(find_policy("magic").error().code, ErrorCode::kNotFound);
  EXPECT_THAT(find_policy("magic").error().message, HasSubstr("round-robin"));
}

// ---- a whole decision of the real placer

TracedDecision traced(const scheduler::Decision& decision, const scheduler::TaskView& task,
                      const scheduler::Fleet& fleet) {
  TracedDecision traced{.input_bytes = task.input_bytes,
                        .preference = task.preference,
                        .waiting = decision.waiting,
                        .scale = decision.scale,
                        .trend = decision.trend,
                        .candidates = {},
                        .chosen = *decision.chosen,
                        .complete = true};
  for (const scheduler::Candidate& candidate : decision.candidates) {
    traced.candidates.push_back({.node = fleet.node(candidate.node).name,
                                 .variant = fleet.variant(candidate.variant).name,
                                 .prediction = candidate.prediction,
                                 .facts = scheduler::facts_of(fleet, candidate)});
  }
  return traced;
}

TEST(Rebuild, ALearnedPolicyScoresTheRebuiltFleetAsItDidTheRealOne) {
  Random random(3);
  const scheduler::testing::RandomFleetOptions options{.nodes = 40};
  scheduler::Fleet fleet = scheduler::testing::random_fleet(random, options);
  const scheduler::Constraints constraints;
  const rl::Bundle bundle = rl::testing::tiny_bundle();
  scheduler::Placer placer(*rl::make_learned_policy(bundle), Random(1));
  // What came before is recorded with each decision, so some of them will do.
  constexpr int kRecorded = 3;
  const auto again = rl::make_learned_policy(bundle);
  Replay replay(*rl::make_learned_policy(bundle));
  for (int i = 0; i < 200; ++i) {
    auto task = scheduler::testing::random_task(random, options, constraints);
    task.now = instant_from_us(1'000'000 + 1000 * i);
    task.waiting = random.below(50);
    const auto& decision = placer.decide(task, fleet);
    ASSERT_TRUE(decision.chosen);
    if (i % kRecorded != 0) {
      continue;
    }
    const TracedDecision trace = traced(decision, task, fleet);
    const Rebuilt rebuilt = rebuild(trace);
    std::vector<double> scores(rebuilt.candidates.size());
    Random unused(1);
    ASSERT_TRUE((*again)->rank(
        {task, rebuilt.fleet, trace.scale, trace.trend, rebuilt.candidates, unused}, scores));
    for (std::size_t c = 0; c < scores.size(); ++c) {
      EXPECT_NEAR(scores[c], decision.scores[c], 1e-6 * std::max(1.0, std::abs(scores[c])));
    }
    replay.add(trace);
  }
  EXPECT_EQ(replay.report().decisions, 67u);
  EXPECT_EQ(replay.report().agreed, 67u);
}

constexpr std::string_view kLine = R"({"job":"j1","attempt":1,"policy":"greedy","input_bytes":12,
 "deadline_left_ms":250,"complete":true,"preference":{"weights":{"latency":1,"energy":0,"cost":0,"error":0}},
 "waiting":7,"trend":{"slots":9,"slow_load":0.5,"fast_load":0.6,"least_load":0.2,"slow_taken":0.3,"fast_taken":0.4,
  "delay_price":2,"timed":0.1,"urgency":0.05,"preference":{"latency":1,"energy":0,"cost":0,"error":0}},
 "scale":{"ideal":{"latency_ms":1,"energy_j":0,"cost_usd":0,"error":0},"nadir":{"latency_ms":3,"energy_j":0,"cost_usd":0,"error":0}},
 "choice":{"node":"a","variant":"v"},
 "candidates":[{"node":"a","variant":"v","score":1,"predicted":{"latency_ms":2,"energy_j":1,"cost_usd":0,"error":0.1,
  "latency_deviation_ms":0.5,"wait_ms":0,"transfer_ms":1,"load_ms":0,"service_ms":1},
  "facts":{"node_number":4,"variant_number":2,"tier":"cloud","slots":2,"outstanding":1,"capacity":4,"backlog_ms":10,"rtt_ms":1,
  "bandwidth_bytes_per_s":1000,"busy_w":5,"measured_w":0,"transfer_j_per_byte":0,"price_usd_per_s":0,"node_memory_bytes":9,
  "variant_memory_bytes":3,"resident":true}}],
 "outcome":{"succeeded":true,"actual":{"latency_ms":2.5,"energy_j":1,"cost_usd":0,"error":0.1}}})";

TEST(Trace, ASecondAttemptIsNoDecisionOfAPolicy) {
  std::string line(kLine);
  line.insert(1, R"("hedge_reason":"the first was late",)");
  EXPECT_TRUE(read_decision(kLine)->complete);
  EXPECT_FALSE(read_decision(line)->complete);
}

TEST(Trace, ALineReadsBack) {
  const auto decision = read_decision(kLine);
  ASSERT_TRUE(decision) << decision.error().message;
  EXPECT_EQ(decision->chosen, 0u);
  EXPECT_EQ(decision->deadline_left_s, 0.25);
  EXPECT_EQ(decision->waiting, 7u);
  EXPECT_EQ(decision->trend, (scheduler::Trend{.slots = 9,
                                               .slow_load = 0.5,
                                               .fast_load = 0.6,
                                               .least_load = 0.2,
                                               .slow_taken = 0.3,
                                               .fast_taken = 0.4,
                                               .delay_price = 2,
                                               .timed = 0.1,
                                               .urgency = 0.05,
                                               .preference = {1, 0, 0, 0}}));
  EXPECT_EQ(decision->candidates[0].facts.node.value, 4u);
  EXPECT_EQ(decision->candidates[0].facts.backlog_s, 0.01);
  EXPECT_EQ(decision->candidates[0].facts.tier, scheduler::Tier::kCloud);
  EXPECT_EQ(decision->actual->latency_s, 0.0025);
}

TEST(Trace, SaysWhatIsMissing) {
  EXPECT_THAT(read_decision("{").error().message, HasSubstr("no JSON"));
  auto json = boost::json::parse(boost::json::string_view(kLine.data(), kLine.size()));
  json.as_object()
      .at("candidates")
      .as_array()[0]
      .as_object()
      .at("facts")
      .as_object()
      .erase("rtt_ms");
  EXPECT_THAT(read_decision(boost::json::serialize(json)).error().message,
              HasSubstr("/candidates/0/facts/rtt_ms"));
  json.as_object().at("candidates").as_array()[0].as_object().at("facts").as_object()["rtt_ms"] = 1;
  json.as_object().at("candidates").as_array()[0].as_object().at("facts").as_object()["slots"] =
      -1e12;
  EXPECT_THAT(read_decision(boost::json::serialize(json)).error().message,
              HasSubstr("/candidates/0/facts/slots"));
  json.as_object().erase("choice");
  EXPECT_FALSE(read_decision(boost::json::serialize(json)));
}

}  // namespace
}  // namespace skerry::replay
