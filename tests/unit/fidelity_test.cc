// The simulator and the core with simulated nodes, against each other and against cases worked out by
// hand; what is observed of a fleet.
#include <gtest/gtest.h>

#include "bench/fidelity/observed.h"
#include "bench/fidelity/played.h"

namespace skerry::fidelity {
namespace {

using rl::fleet::Context;
using rl::fleet::Task;

// One node of one slot, 20 ms away, and a variant that takes 100 ms; everything known exactly.
Context plain_context() {
  Context context;
  context.nodes.push_back({.slots = 1,
                           .busy_w = 10,
                           .price_usd_per_s = 0.5,
                           .rtt_s = 0.02,
                           .bandwidth_bytes_per_s = 1e6,
                           .memory_bytes = 1e9});
  context.models.push_back({.first = 0, .count = 1, .input_bytes = 1000});
  context.variants.push_back({.accuracy = 0.9, .reference_s = 0.1, .memory_bytes = 1e6});
  context.service_s = context.believed_s = {0.1};
  context.load_s = {3};
  context.warm = {1};
  context.service_noise = 0;
  context.link_noise = 0;
  conclude(context);
  return context;
}

std::vector<Task> tasks_at(std::vector<double> times_s) {
  std::vector<Task> tasks;
  for (const double at_s : times_s) {
    tasks.push_back({.arrival_s = at_s, .input_bytes = 1000, .preference = {}});
  }
  return tasks;
}

constexpr double kTransferSeconds = 0.02 + 0.001;
constexpr double kSyncSeconds = 0.001;  // room for the core's own delays

TEST(Fidelity, BothTakeWhatTheFormulasSay) {
  const Context context = plain_context();
  const PolicyUnderTest greedy{.name = "greedy", .bundle_text = {}, .bundle = {}};
  const std::vector<Task> tasks = tasks_at({0, 1});
  const Played simulated = play_in_simulator(context, tasks, greedy);
  const Played core = play_in_core(context, tasks, greedy);
  EXPECT_NEAR(simulated.sums.latency_s, 2 * (kTransferSeconds + 0.1), 1e-6);
  EXPECT_NEAR(core.sums.latency_s, 2 * (kTransferSeconds + 0.1), 2 * kSyncSeconds);
  EXPECT_NEAR(core.sums.energy_j, 2 * 10 * 0.1, 1e-3);
  EXPECT_NEAR(core.sums.cost_usd, 2 * 0.5 * 0.1, 1e-4);
  EXPECT_NEAR(core.sums.error, 2 * 0.1, 1e-9);
  ASSERT_EQ(core.predictions.attempts, 2u);
  EXPECT_NEAR(core.predictions.apart[0], 0, 2 * kSyncSeconds);
}

TEST(Fidelity, ASecondTaskWaitsInBoth) {
  const Context context = plain_context();
  const PolicyUnderTest greedy{.name = "greedy", .bundle_text = {}, .bundle = {}};
  const std::vector<Task> tasks = tasks_at({0, 0.001});
  const double expected = 2 * (kTransferSeconds + 0.1) + 0.1 - 0.001;
  EXPECT_NEAR(play_in_simulator(context, tasks, greedy).sums.latency_s, expected, 1e-6);
  EXPECT_NEAR(play_in_core(context, tasks, greedy).sums.latency_s, expected, 2 * kSyncSeconds);
}

TEST(Fidelity, ADeadlineThatCannotBeMetIsMissedInBoth) {
  const Context context = plain_context();
  const PolicyUnderTest greedy{.name = "greedy", .bundle_text = {}, .bundle = {}};
  std::vector<Task> tasks = tasks_at({0, 0.001});
  tasks[1].deadline_s = 0.15;
  EXPECT_EQ(play_in_simulator(context, tasks, greedy).missed, 1u);
  EXPECT_EQ(play_in_core(context, tasks, greedy).missed, 1u);
}

TEST(Fidelity, WhatIsNotLoadedIsLoadedInBoth) {
  Context context = plain_context();
  context.warm = {0};
  const PolicyUnderTest greedy{.name = "greedy", .bundle_text = {}, .bundle = {}};
  const std::vector<Task> tasks = tasks_at({0, 10});
  const double expected = 2 * (kTransferSeconds + 0.1) + 3;
  EXPECT_NEAR(play_in_simulator(context, tasks, greedy).sums.latency_s, expected, 1e-6);
  EXPECT_NEAR(play_in_core(context, tasks, greedy).sums.latency_s, expected, 2 * kSyncSeconds);
}

TEST(Fidelity, ThatOfTheCoreIsDeterministicOnADrawnFleet) {
  Random random(3);
  Context context = rl::fleet::draw_context({.most_nodes = 6}, random);
  context.link_noise = 0;
  for (rl::fleet::Node& node : context.nodes) {
    node.up_s = 0;
  }
  rl::fleet::Tape tape(context, 5, 0);
  std::vector<Task> tasks;
  for (std::size_t t = 0; t < 200; ++t) {
    tasks.push_back(tape.task(t));
  }
  const PolicyUnderTest policy{.name = "random", .bundle_text = {}, .bundle = {}};
  const Played once = play_in_core(context, tasks, policy);
  const Played twice = play_in_core(context, tasks, policy);
  EXPECT_EQ(once.tasks, 200u);
  EXPECT_EQ(once.cost, twice.cost);
  EXPECT_EQ(once.sums.latency_s, twice.sums.latency_s);
}

// ---- what is observed of a fleet

replay::TracedDecision decision_on(const std::string& chosen, double taken_s) {
  replay::TracedDecision decision{.input_bytes = 500};
  for (const std::string node : {"a", "b"}) {
    replay::TracedCandidate candidate{.node = node, .variant = "small"};
    candidate.prediction.service_s = 0.2;
    candidate.prediction.objectives.error = 0.1;
    candidate.facts.slots = 2;
    candidate.facts.price_usd_per_s = 0.01;
    candidate.facts.bandwidth_bytes_per_s = 1e6;
    candidate.facts.node_memory_bytes = 1000;
    candidate.facts.resident = true;
    decision.candidates.push_back(candidate);
  }
  decision.chosen = chosen == "a" ? 0 : 1;
  decision.actual = scheduler::Objectives{.latency_s = 1, .cost_usd = 0.01 / 2 * taken_s};
  return decision;
}

TEST(Fidelity, ObservesWhatRunsTookNotWhatWasPredicted) {
  const std::vector<replay::TracedDecision> decisions = {decision_on("a", 0.3),
                                                         decision_on("a", 0.5)};
  const auto observed = observe(decisions);
  ASSERT_TRUE(observed.has_value());
  EXPECT_EQ(observed->nodes, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(observed->variants, std::vector<std::string>{"small"});
  const Context& context = observed->context;
  EXPECT_NEAR(context.service_s[context.at(0, 0)], 0.4, 1e-9);
  EXPECT_NEAR(context.service_s[context.at(1, 0)], 0.2, 1e-9);  // nothing ran there
  EXPECT_NEAR(context.service_noise, 0.25, 1e-9);
  EXPECT_EQ(context.warm[0], 1);
  EXPECT_FALSE(observe({}).has_value());
}

TEST(Fidelity, RequestsNameTheLineThatIsWrong) {
  const auto read = read_requests("{\"at_s\": 1, \"preset\": \"green\", \"input_bytes\": 10}\n");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ((*read)[0].arrival_s, 1);
  EXPECT_EQ((*read)[0].preference, scheduler::preset("green"));
  const auto wrong = read_requests(
      "{\"at_s\": 1, \"preset\": \"green\", \"input_bytes\": 10}\n{\"at_s\": 2, \"preset\": "
      "\"no\"}\n");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_NE(wrong.error().message.find("line 2"), std::string::npos);
}

}  // namespace
}  // namespace skerry::fidelity
