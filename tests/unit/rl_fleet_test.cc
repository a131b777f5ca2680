// Skerry's own problem: the world against cases worked out by hand, what never changes whatever is
// drawn, and what a policy sees.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "rl/fleet/collect.h"
#include "rl/fleet/evaluate.h"
#include "rl/fleet/tune.h"

namespace skerry::rl::fleet {
namespace {

// One model of one variant that takes a second; everything known exactly; no failures, no bursts.
Context plain_context(std::size_t nodes, std::size_t slots) {
  Context context;
  for (std::size_t n = 0; n < nodes; ++n) {
    context.nodes.push_back({.slots = slots,
                             .busy_w = 10,
                             .price_usd_per_s = 0.5,
                             .bandwidth_bytes_per_s = 1e6,
                             .memory_bytes = 1e9});
    context.service_s.push_back(1);
    context.believed_s.push_back(1);
    context.load_s.push_back(3);
    context.warm.push_back(1);
  }
  context.models.push_back({.first = 0, .count = 1, .input_bytes = 1000});
  context.variants.push_back(
      {.accuracy = 0.9, .reference_s = 1, .memory_bytes = 1e6, .artifact_bytes = 1e6});
  context.service_noise = 0;
  context.link_noise = 0;
  context.preferences = Preferences::kOne;
  context.load = 0.5;
  conclude(context);
  return context;
}

Choice choice_of(World& world, Tape& tape, std::size_t arrivals = 1000) {
  Choice choice;
  EXPECT_TRUE(world.next(tape, arrivals, choice));
  return choice;
}

TEST(FleetWorld, TakesWhatWasPredictedOnAnIdleNode) {
  const Context context = plain_context(1, 1);
  World world(context);
  Tape tape(context, 1, 0);
  const Choice choice = choice_of(world, tape);
  ASSERT_EQ(choice.candidates.size(), 1u);
  const scheduler::Objectives predicted = choice.candidates[0].prediction.objectives;
  EXPECT_NEAR(predicted.latency_s, choice.task.input_bytes / 1e6 + 1, 1e-9);
  world.place(tape, choice, 0);
  const scheduler::Objectives took = world.tally().sums;
  EXPECT_NEAR(took.latency_s, predicted.latency_s, 1e-9);
  EXPECT_NEAR(took.energy_j, 10, 1e-9);  // 10 W for a second, one slot
  EXPECT_NEAR(took.cost_usd, 0.5, 1e-9);
  EXPECT_NEAR(took.error, 0.1, 1e-9);
}

TEST(FleetWorld, ASecondTaskWaitsForTheSlot) {
  Context context = plain_context(1, 1);
  context.arrivals_per_s = 1e6;  // practically at once
  World world(context);
  Tape tape(context, 1, 0);
  double transferred_s = 0;
  for (int i = 0; i < 2; ++i) {
    const Choice choice = choice_of(world, tape);
    transferred_s += choice.task.input_bytes / 1e6;
    world.place(tape, choice, 0);
  }
  EXPECT_NEAR(world.tally().sums.latency_s, 1 + 2, 0.01 + transferred_s);
}

TEST(FleetWorld, ANodeTakesItsSlotsAndAShortQueue) {
  Context context = plain_context(1, 2);
  context.arrivals_per_s = 1e6;
  World world(context);
  Tape tape(context, 1, 0);
  for (std::size_t i = 0; i < 2 + kQueueDepth; ++i) {
    const Choice choice = choice_of(world, tape);
    EXPECT_LT(choice.now_s, 0.5) << i;
    world.place(tape, choice, 0);
  }
  // The next one waits until the first has ended, in the order of arrival.
  const Choice choice = choice_of(world, tape);
  EXPECT_GT(choice.now_s, 0.9);
  EXPECT_LT(choice.task.arrival_s, 0.5);
}

TEST(FleetWorld, ColdVariantsAreLoadedOnceAndTheOldestGoes) {
  Context context = plain_context(1, 1);
  context.warm = {0};
  World world(context);
  Tape tape(context, 1, 0);
  Choice choice = choice_of(world, tape);
  EXPECT_FALSE(choice.candidates[0].resident);
  EXPECT_NEAR(choice.candidates[0].prediction.load_s, 3, 1e-9);
  world.place(tape, choice, 0);
  EXPECT_NEAR(world.tally().sums.energy_j, 40, 1e-9);  // three seconds of loading, one of service
  choice = choice_of(world, tape);
  EXPECT_TRUE(choice.candidates[0].resident);
}

TEST(FleetWorld, ADeadlineThatPassesIsMissedAndEndsTheAttempt) {
  Context context = plain_context(1, 1);
  context.deadline_share = 1;
  context.service_s = {1e6};  // believed to be a second
  World world(context);
  Tape tape(context, 1, 0);
  const Choice choice = choice_of(world, tape);
  world.place(tape, choice, 0);
  EXPECT_EQ(world.tally().missed, 1u);
  EXPECT_NEAR(world.tally().sums.latency_s, choice.task.deadline_s - choice.task.arrival_s, 1e-9);
}

TEST(FleetWorld, EveryTaskCountsOnceWhateverFails) {
  Random random(5);
  for (int i = 0; i < 60; ++i) {
    Context context = draw_context({.most_nodes = 8}, random);
    for (Node& node : context.nodes) {  // often, and for long
      node.up_s = 60 / context.arrivals_per_s;
      node.down_s = 30 / context.arrivals_per_s;
    }
    for (const std::string_view name : baseline_names()) {
      World world(context);
      Tape tape(context, 9, 0);
      Choice choice;
      View view;
      const auto policy = make_baseline(name);
      std::vector<double> prices;
      double before_s = 0;
      while (world.next(tape, 200, choice)) {
        EXPECT_GE(choice.now_s, before_s) << "time never goes back";
        EXPECT_GE(choice.now_s, choice.task.arrival_s);
        before_s = choice.now_s;
        view.look(choice.facts, choice.candidates, world.trend());
        prices.resize(choice.candidates.size());
        policy->price(view, choice, prices);
        world.place(tape, choice, cheapest(prices));
      }
      EXPECT_EQ(world.tally().tasks, 200u) << name;
      EXPECT_TRUE(std::isfinite(world.tally().cost));
    }
  }
}

TEST(FleetWorld, PoliciesMeetTheSameTasks) {
  Random random(3);
  const Context context = draw_context({}, random);
  std::vector<std::vector<double>> arrivals;
  for (const char* name : {"greedy", "random"}) {
    World world(context);
    Tape tape(context, 7, 2);
    run(context, *make_baseline(name), {.seed = 7, .episodes = 1, .warm_up = 0, .arrivals = 50});
    std::vector<double> seen;
    for (std::size_t i = 0; i < 50; ++i) {
      seen.push_back(tape.task(i).arrival_s + tape.bandwidth(0, tape.task(i).arrival_s));
    }
    arrivals.push_back(seen);
  }
  EXPECT_EQ(arrivals[0], arrivals[1]);
}

TEST(FleetTape, AFutureKnowsThePastOnly) {
  Random random(11);
  const Context context = draw_context({}, random);
  Tape tape(context, 1, 0);
  const double now_s = tape.task(100).arrival_s;
  const double known = tape.bandwidth(0, now_s);
  tape.bandwidth(0, 100 * now_s);
  Tape one = tape.future(now_s, 5, 0);
  Tape other = tape.future(now_s, 6, 0);
  EXPECT_EQ(one.bandwidth(0, now_s), known);
  EXPECT_GT(one.task(0).arrival_s, now_s);
  EXPECT_NE(one.task(0).arrival_s, other.task(0).arrival_s);
  Tape again = tape.future(now_s, 5, 0);
  EXPECT_EQ(one.task(20).arrival_s, again.task(20).arrival_s);
}

// A network with random weights.
Mlp random_network(Random& random) {
  std::vector<Layer> layers;
  for (const auto& [inputs, outputs] :
       {std::pair(kFeatures, std::size_t{16}), std::pair(std::size_t{16}, std::size_t{kOutputs})}) {
    Layer layer{.inputs = inputs, .outputs = outputs, .weights = {}, .bias = {}};
    for (std::size_t i = 0; i < inputs * outputs; ++i) {
      layer.weights.push_back(static_cast<float>(random.normal(0, 0.3)));
    }
    layer.bias.assign(outputs, 0.1f);
    layers.push_back(std::move(layer));
  }
  return Mlp(std::move(layers));
}

TEST(FleetView, PermutingNodesPermutesPrices) {
  Random random(21);
  const Mlp network = random_network(random);
  for (int i = 0; i < 40; ++i) {
    const Context context = draw_context({.least_nodes = 4}, random);
    World world(context);
    Tape tape(context, 4, 0);
    Choice choice = choice_of(world, tape);
    View view;
    Trend trend;
    std::vector<double> prices(choice.candidates.size());
    view.look(choice.facts, choice.candidates, trend);
    view.price(network, prices);
    // Nodes in reverse; the candidates of one stay together.
    std::vector<std::size_t> order(choice.candidates.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::reverse(order);
    std::vector<Facts> reversed;
    for (const std::size_t candidate : order) {
      reversed.push_back(choice.candidates[candidate]);
    }
    Trend fresh;
    std::vector<double> permuted(prices.size());
    view.look(choice.facts, reversed, fresh);
    view.price(network, permuted);
    for (std::size_t k = 0; k < order.size(); ++k) {
      EXPECT_NEAR(permuted[k], prices[order[k]], 1e-3 * (1 + std::abs(permuted[k])));
    }
  }
}

TEST(FleetView, WithoutPricesItIsGreedyWithinTheGuard) {
  Random random(22);
  const Mlp none = linear_network(std::vector<double>(kLinearTerms, 0));
  for (int i = 0; i < 40; ++i) {
    const Context context = draw_context({}, random);
    World world(context);
    Tape tape(context, 4, 0);
    const Choice choice = choice_of(world, tape);
    View view;
    Trend trend;
    std::vector<double> prices(choice.candidates.size());
    view.look(choice.facts, choice.candidates, trend);
    view.price(none, prices);
    std::vector<double> exact(prices.size());
    for (std::size_t k = 0; k < exact.size(); ++k) {
      exact[k] = view.base(k);
    }
    EXPECT_EQ(cheapest(prices), cheapest(exact));
  }
}

TEST(FleetView, WhatTheGuardForbidsIsNeverChosen) {
  Random random(23);
  for (int i = 0; i < 40; ++i) {
    const Mlp network = random_network(random);
    const Context context = draw_context({.least_nodes = 4}, random);
    World world(context);
    Tape tape(context, 4, 0);
    const Choice choice = choice_of(world, tape);
    View view;
    Trend trend;
    std::vector<double> prices(choice.candidates.size());
    view.look(choice.facts, choice.candidates, trend);
    view.price(network, prices);
    EXPECT_LE(view.base(cheapest(prices)), view.limit());
  }
}

TEST(FleetTrend, FindsTheLoad) {
  Trend trend;
  for (int i = 0; i < 2000; ++i) {
    trend.observe({.now_s = 0.5 * i, .work_s = 0.4, .delay_price = 2, .timed = i % 2 == 0},
                  {.weights = {1, 0, 0, 0}});
  }
  EXPECT_NEAR(trend.slow_load(), 0.8, 0.01);
  EXPECT_NEAR(trend.fast_load(), 0.8, 0.01);
  EXPECT_NEAR(trend.delay_price(), 2, 1e-9);
  EXPECT_NEAR(trend.timed(), 0.5, 0.01);
  EXPECT_NEAR(trend.preference()[0], 1, 1e-9);
}

TEST(FleetCollect, LabelsAreFiniteAndTheSameForASeed) {
  Random random(31);
  const CollectOptions options{.arrivals = 60, .moments = 6, .futures = 1};
  for (int i = 0; i < 20; ++i) {
    const Context context = draw_context({.most_nodes = 6}, random);
    const auto once = collect(context, *make_externality(0.5), options, Random(8));
    const auto again = collect(context, *make_externality(0.5), options, Random(8));
    EXPECT_EQ(once.costs, again.costs);
    for (const auto* column : {&once.features, &once.base, &once.coefficients, &once.costs}) {
      EXPECT_TRUE(std::ranges::all_of(*column, [](float x) { return std::isfinite(x); }));
    }
  }
}

TEST(FleetTune, ATunedHeuristicIsNoWorseThanGreedyWhereItWasTuned) {
  Random random(41);
  const Context context = draw_context({.most_nodes = 6}, random);
  TuneOptions options{.run = {.seed = 3, .episodes = 1, .warm_up = 20, .arrivals = 100},
                      .rounds = 2,
                      .population = 8};
  const auto all = tune_all(context, options);
  const auto greedy = std::ranges::find(all, "greedy-idle", &Tuned::name);
  ASSERT_NE(greedy, all.end());
  EXPECT_LE(all.front().cost, greedy->cost);
  EXPECT_TRUE(std::ranges::is_sorted(all, {}, &Tuned::cost));
}

}  // namespace
}  // namespace skerry::rl::fleet
