#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

#include "scheduler/place.h"
#include "scheduler/random_fleet.h"
#include "scheduler/ranking.h"
#include "tests/unit/scheduler_three_nodes.h"

namespace skerry::scheduler {
namespace {

using namespace testing;

TEST_F(ThreeNodes, EachPresetTakesTheObviouslyRightNode) {
  EXPECT_EQ(choose("fast").node, kFast);
  EXPECT_EQ(choose("green").node, kThrifty);
  EXPECT_EQ(choose("cheap").node, kCheap);
  EXPECT_EQ(choose("accurate").variant, kLarge);
  EXPECT_EQ(choose("fast").variant, kSmall);
}

TEST_F(ThreeNodes, CandidatesAreOrderedByNodeThenVariant) {
  const Decision& decision = placer.decide(task.view, fleet);
  ASSERT_EQ(decision.candidates.size(), 6U);
  EXPECT_TRUE(std::ranges::is_sorted(
      decision.candidates, {}, [](const Candidate& c) { return std::pair(c.node, c.variant); }));
  EXPECT_EQ(decision.scores.size(), 6U);
  EXPECT_EQ(decision.policy, "greedy");
  EXPECT_EQ(decision.policy_version, "1");
  EXPECT_TRUE(decision.fallback_reason.empty());
}

TEST_F(ThreeNodes, TheSameTaskAndFleetYieldTheSameDecision) {
  const Decision first = placer.decide(task.view, fleet);
  const Decision& second = placer.decide(task.view, fleet);
  EXPECT_EQ(first.chosen, second.chosen);
  EXPECT_EQ(first.scores, second.scores);
}

// Each reason once: what is done to the task or the fleet, and which of the six pairs it masks.
struct MaskCase {
  MaskReason reason;
  std::function<void(World&)> change;
  std::uint32_t pairs;
};

TEST_F(ThreeNodes, EveryConstraintMasksWithItsReason) {
  using W = World;
  const std::vector<NodeId> fast = {kFast};
  const std::vector<MaskCase> cases = {
      {MaskReason::kNotReady,
       [](W& w) { w.fleet.set_availability(kFast, Availability::kNotReady); }, 2},
      {MaskReason::kCordoned,
       [](W& w) { w.fleet.set_availability(kFast, Availability::kCordoned); }, 2},
      {MaskReason::kNoCredit, [](W& w) { w.fleet.set_capacity(kFast, 0); }, 2},
      {MaskReason::kExcluded, [&](W& w) { w.task.view.excluded = fast; }, 2},
      {MaskReason::kTripped, [](W& w) { w.fleet.set_tripped(kModel, true); }, 6},
      {MaskReason::kTier, [](W& w) { w.task.constraints.tiers = {Tier::kEdge, Tier::kDevice}; }, 2},
      {MaskReason::kSite, [](W& w) { w.task.constraints.site = "moon"; }, 6},
      {MaskReason::kLabels, [](W& w) { w.task.constraints.labels["zone"] = "a"; }, 6},
      {MaskReason::kNode, [](W& w) { w.task.constraints.node = "nobody"; }, 6},
      {MaskReason::kVariant, [](W& w) { w.task.constraints.variants = {"large"}; }, 3},
      {MaskReason::kVariant, [](W& w) { w.task.view.pinned_variant = kLarge; }, 3},
      {MaskReason::kAccuracy, [](W& w) { w.task.constraints.min_accuracy = 0.9; }, 3},
      // 1 s on the thrifty node and 2 s on the cheap one are too long.
      {MaskReason::kDeadline,
       [](W& w) { w.task.constraints.deadline = w.task.view.now + milliseconds(500); }, 2},
      // 4 J and 40 J on the fast node, 0.5 J and 5 J, 6 J and 60 J.
      {MaskReason::kEnergy, [](W& w) { w.task.constraints.max_energy_j = 4.5; }, 4},
      // 0.00025 and 0.0025 USD on the fast node, 0.0001 and 0.001, 0.00002 and 0.0002.
      {MaskReason::kCost, [](W& w) { w.task.constraints.max_cost_usd = 0.0005; }, 2},
  };
  for (const MaskCase& c : cases) {
    World world;
    c.change(world);
    const Decision& decision = world.placer.decide(world.task.view, world.fleet);
    EXPECT_EQ(masked(decision, c.reason), c.pairs) << to_string(c.reason);
    EXPECT_EQ(decision.candidates.size(), 6 - c.pairs) << to_string(c.reason);
    EXPECT_EQ(decision.chosen.has_value(), c.pairs < 6) << to_string(c.reason);
    EXPECT_EQ(decision.satisfiable, c.pairs < 6 || is_temporary(c.reason)) << to_string(c.reason);
    EXPECT_FALSE(describe(c.reason).empty());
  }
}

TEST_F(ThreeNodes, EnginesAndMemoryMask) {
  NodeSpec adapter = plain_node("fast");
  adapter.engines = {"vllm"};
  fleet.put_node(kFast, adapter);
  NodeSpec tiny = plain_node("cheap");
  tiny.memory_bytes = 10;
  fleet.put_node(kCheap, tiny);
  fleet.put_model({.id = kModel, .name = "digits", .engine = "torch"}, {{.id = kSmall,
                                                                         .model = kModel,
                                                                         .name = "small",
                                                                         .accuracy = 0.8,
                                                                         .reference_s = 0.1,
                                                                         .memory_bytes = 1000}});
  const Decision& decision = placer.decide(task.view, fleet);
  EXPECT_EQ(masked(decision, MaskReason::kEngine), 1U);
  EXPECT_EQ(masked(decision, MaskReason::kMemory), 1U);
  ASSERT_EQ(decision.candidates.size(), 1U);
  EXPECT_EQ(decision.candidates[0].node, kThrifty);
}

TEST_F(ThreeNodes, WhatHoldsForGoodIsToldBeforeWhatMayPass) {
  fleet.set_availability(kFast, Availability::kNotReady);
  task.constraints.tiers = {Tier::kEdge};
  EXPECT_EQ(masked(placer.decide(task.view, fleet), MaskReason::kTier), 4U);
}

TEST_F(ThreeNodes, ANamedNodeIsTheOnlyOne) {
  task.constraints.node = "cheap";
  EXPECT_EQ(choose("fast").node, kCheap);
  task.constraints.node.clear();
  task.view.pinned_node = kThrifty;
  EXPECT_EQ(choose("fast").node, kThrifty);
  task.constraints.node = "cheap";  // and pinned elsewhere
  const Decision& decision = placer.decide(task.view, fleet);
  EXPECT_FALSE(decision.chosen.has_value());
  EXPECT_FALSE(decision.satisfiable);
}

TEST_F(ThreeNodes, LoadMovesWorkElsewhere) {
  EXPECT_EQ(choose("fast").node, kFast);
  for (int i = 0; i < 3; ++i) {
    fleet.assigned(kFast, 1);
  }
  EXPECT_EQ(choose("fast").node, kThrifty);
}

TEST_F(ThreeNodes, AFullFleetIsSatisfiableLater) {
  for (const NodeId node : fleet.nodes()) {
    fleet.set_capacity(node, 0);
  }
  const Decision& decision = placer.decide(task.view, fleet);
  EXPECT_FALSE(decision.chosen.has_value());
  EXPECT_TRUE(decision.satisfiable);
  EXPECT_EQ(masked(decision, MaskReason::kNoCredit), 6U);
}

TEST_F(ThreeNodes, ADeadlineIsJudgedWithIdleNodes) {
  for (const NodeId node : fleet.nodes()) {
    fleet.assigned(node, 10);
  }
  task.constraints.deadline = task.view.now + milliseconds(500);
  const Decision& busy = placer.decide(task.view, fleet);
  EXPECT_FALSE(busy.chosen.has_value());
  EXPECT_TRUE(busy.satisfiable) << "in time if it were idle";
  EXPECT_EQ(masked(busy, MaskReason::kDeadline), 6U);

  task.constraints.deadline = task.view.now + milliseconds(5);
  EXPECT_FALSE(placer.decide(task.view, fleet).satisfiable) << "too late even for the fastest";
  task.constraints.deadline = task.view.now - milliseconds(5);
  EXPECT_FALSE(placer.decide(task.view, fleet).satisfiable) << "passed";
}

TEST_F(ThreeNodes, ADeadlineThatOnlyTheLoadingMissesIsSatisfiable) {
  fleet.set_resident(kFast, {});
  task.constraints.node = "fast";
  task.constraints.deadline = task.view.now + milliseconds(50);  // starting a runner takes longer
  const Decision& decision = placer.decide(task.view, fleet);
  EXPECT_FALSE(decision.chosen.has_value());
  EXPECT_TRUE(decision.satisfiable);
}

TEST_F(ThreeNodes, EqualNodesGoToTheSmallerId) {
  NodeSpec twin = plain_node("twin");
  twin.tier = Tier::kCloud;
  twin.speed = 10;
  twin.power.busy_w = 400;
  twin.price_usd_per_hour = 90;
  put_ready(fleet, NodeId{9}, twin);
  make_resident(fleet, NodeId{9});
  EXPECT_EQ(choose("fast").node, kFast);
  fleet.remove_node(kFast);
  EXPECT_EQ(choose("fast").node, NodeId{9});
}

TEST(Place, AnEqualScoreNeverHidesACandidateThatIsBetterInEveryWay) {
  // Both objectives that differ are of no weight, and one node is better in both.
  Fleet fleet;
  put_digits(fleet);
  NodeSpec wasteful = plain_node("a");
  wasteful.power.busy_w = 500;
  wasteful.price_usd_per_hour = 100;
  put_ready(fleet, NodeId{0}, wasteful);
  put_ready(fleet, NodeId{1}, plain_node("b"));
  Task task;
  task.view.preference = *make_preference({1, 0, 0, 0});
  Placer placer = greedy_placer();
  const Decision& decision = placer.decide(task.view, fleet);
  EXPECT_EQ(decision.candidates[*decision.chosen].node, NodeId{1});
}

TEST(Place, AnEmptyFleetCanNeverTakeATask) {
  Fleet fleet;
  put_digits(fleet);
  Task task;
  Placer placer = greedy_placer();
  const Decision& decision = placer.decide(task.view, fleet);
  EXPECT_FALSE(decision.chosen.has_value());
  EXPECT_FALSE(decision.satisfiable);
}

// The same world under other ids: the choice is the same node by name.
TEST(Place, IdsPermuteNothingButTies) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    const std::uint32_t count = 12;
    std::vector<NodeSpec> specs;
    std::vector<std::uint32_t> outstanding;
    specs.reserve(count);
    outstanding.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      specs.push_back(random_node(random, i, count));
      outstanding.push_back(static_cast<std::uint32_t>(random.below(4)));
    }
    std::vector<std::uint32_t> ids(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      ids[i] = i;
      std::swap(ids[i], ids[random.below(i + 1)]);
    }
    const Preference preference = random_preference(random);
    std::vector<std::string> chosen;
    for (const bool permuted : {false, true}) {
      Fleet fleet;
      put_digits(fleet);
      for (std::uint32_t i = 0; i < count; ++i) {
        const NodeId id{permuted ? ids[i] : i};
        put_ready(fleet, id, specs[i]);
        for (std::uint32_t k = 0; k < outstanding[i]; ++k) {
          fleet.assigned(id, 0.1);
        }
      }
      Task task;
      task.view.preference = preference;
      Placer placer = greedy_placer();
      const Decision& decision = placer.decide(task.view, fleet);
      const Candidate& choice = decision.candidates[*decision.chosen];
      chosen.push_back(fmt::format("{} {}", fleet.node(choice.node).name, choice.variant.value));
    }
    EXPECT_EQ(chosen[0], chosen[1]) << "seed " << seed;
  }
}

// A policy that does as the test says.
class Scripted : public Policy {
 public:
  explicit Scripted(std::function<Status(std::span<double>)> script) : script_(std::move(script)) {}
  std::string_view name() const override { return "scripted"; }
  std::string_view version() const override { return "7"; }
  Status rank(const RankInput&, std::span<double> scores) override { return script_(scores); }

 private:
  std::function<Status(std::span<double>)> script_;
};

TEST_F(ThreeNodes, APolicyThatAnswersDecides) {
  placer.ranking().set_policy(std::make_unique<Scripted>([](std::span<double> scores) -> Status {
    std::ranges::fill(scores, 1);
    scores[4] = -3;
    return {};
  }));
  const Decision& decision = placer.decide(task.view, fleet);
  EXPECT_EQ(decision.chosen, 4U);
  EXPECT_EQ(decision.policy, "scripted");
  EXPECT_EQ(decision.policy_version, "7");
  EXPECT_TRUE(decision.fallback_reason.empty());
}

TEST_F(ThreeNodes, APolicyThatDoesNotAnswerIsReplacedByGreedyForThisDecision) {
  const Decision expected = placer.decide(task.view, fleet);
  struct Case {
    std::string_view reason;
    std::function<Status(std::span<double>)> script;
  };
  const std::vector<Case> cases = {
      {"not a finite number",
       [](std::span<double> scores) -> Status {
         scores.back() = NAN;
         return {};
       }},
      {"not a finite number",
       [](std::span<double> scores) -> Status {
         scores.front() = -INFINITY;
         return {};
       }},
      {"no weights loaded",
       [](std::span<double>) -> Status { return fail(ErrorCode::kInternal, "no weights loaded"); }},
      {"threw: shape mismatch",
       [](std::span<double>) -> Status { throw std::runtime_error("shape mismatch"); }},
      {"threw", [](std::span<double>) -> Status { throw 7; }},
  };
  for (const Case& c : cases) {
    placer.ranking().set_policy(std::make_unique<Scripted>(c.script));
    const Decision& decision = placer.decide(task.view, fleet);
    EXPECT_EQ(decision.chosen, expected.chosen);
    EXPECT_EQ(decision.scores, expected.scores);
    EXPECT_EQ(decision.policy, "greedy");
    EXPECT_NE(decision.fallback_reason.find(c.reason), std::string::npos)
        << decision.fallback_reason;
  }
  placer.ranking().set_policy(make_heuristic("greedy"));
  EXPECT_TRUE(placer.decide(task.view, fleet).fallback_reason.empty());
}

TEST_F(ThreeNodes, ThePlanShowsEveryPairAndAgreesWithTheDecision) {
  task.constraints.tiers = {Tier::kEdge, Tier::kCloud};
  task.view.preference = *preset("green");
  const std::vector<PlanEntry> entries = plan(task.view, fleet);
  ASSERT_EQ(entries.size(), 6U);
  const Decision& decision = placer.decide(task.view, fleet);
  std::size_t next = 0;
  for (const PlanEntry& entry : entries) {
    EXPECT_GT(entry.prediction.objectives.latency_s, 0) << "for excluded ones too";
    if (entry.node == kCheap) {
      EXPECT_EQ(entry.reason, MaskReason::kTier);
      EXPECT_FALSE(entry.non_dominated);
      continue;
    }
    EXPECT_EQ(entry.reason, MaskReason::kNone);
    EXPECT_EQ(decision.candidates[next].node, entry.node);
    EXPECT_EQ(decision.candidates[next].variant, entry.variant);
    EXPECT_DOUBLE_EQ(decision.scores[next], entry.score);
    ++next;
  }
  EXPECT_TRUE(entries[0].non_dominated) << "the fastest";
}

TEST(Reasons, HaveDistinctNames) {
  std::vector<std::string_view> names;
  names.reserve(kMaskReasons);
  for (std::size_t i = 0; i < kMaskReasons; ++i) {
    names.push_back(to_string(static_cast<MaskReason>(i)));
  }
  EXPECT_EQ(names[static_cast<std::size_t>(MaskReason::kNoCredit)], "no_credit");
  EXPECT_EQ(names.back(), "cost");
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::unique(names).size(), 0U);
}

TEST(Tiers, AreFoundByName) {
  for (const Tier tier : {Tier::kDevice, Tier::kEdge, Tier::kCloud}) {
    EXPECT_EQ(parse_tier(to_string(tier)), tier);
  }
  EXPECT_EQ(parse_tier("fog"), std::nullopt);
}

}  // namespace
}  // namespace skerry::scheduler
