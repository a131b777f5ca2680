// Skerry's own problem: what a policy sees, labels and tuning.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "rl/fleet/collect.h"
#include "rl/fleet/evaluate.h"
#include "rl/fleet/tune.h"

namespace skerry::rl::fleet {
namespace {

Choice choice_of(World& world, Tape& tape, std::size_t arrivals = 1000) {
  Choice choice;
  EXPECT_TRUE(world.next(tape, arrivals, choice));
  return choice;
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
    std::vector<double> prices(choice.candidates.size());
    view.look(choice.facts, choice.candidates);
    view.price(network, prices);
    // Nodes in reverse; the candidates of one stay together.
    std::vector<std::size_t> order(choice.candidates.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::reverse(order);
    std::vector<Facts> reversed;
    for (const std::size_t candidate : order) {
      reversed.push_back(choice.candidates[candidate]);
    }
    std::vector<double> permuted(prices.size());
    view.look(choice.facts, reversed);
    view.price(network, permuted);
    for (std::size_t k = 0; k < order.size(); ++k) {
      EXPECT_NEAR(permuted[k], prices[order[k]], 1e-3 * (1 + std::abs(permuted[k])));
    }
  }
}

TEST(FleetView, WithoutPricesItActsByTheFormula) {
  Random random(22);
  const Mlp none = linear_network(std::vector<double>(kLinearTerms, 0));
  for (int i = 0; i < 40; ++i) {
    const Context context = draw_context({}, random);
    World world(context);
    Tape tape(context, 4, 0);
    const Choice choice = choice_of(world, tape);
    View view;
    std::vector<double> prices(choice.candidates.size());
    view.look(choice.facts, choice.candidates);
    view.price(none, prices);
    std::vector<double> exact(prices.size());
    for (std::size_t k = 0; k < exact.size(); ++k) {
      exact[k] = view.base(k) + static_cast<double>(view.externality(k));
    }
    EXPECT_EQ(cheapest(prices), cheapest(exact));
  }
}

TEST(FleetView, WhatTheGuardForbidsIsNeverChosen) {
  Random random(23);
  int forbidden = 0;
  for (int i = 0; i < 40; ++i) {
    const Mlp network = random_network(random);
    const Context context = draw_context({.least_nodes = 4}, random);
    World world(context);
    Tape tape(context, 4, 0);
    const Choice choice = choice_of(world, tape);
    View view;
    std::vector<double> prices(choice.candidates.size());
    view.look(choice.facts, choice.candidates);
    view.price(network, prices);
    EXPECT_LE(view.base(cheapest(prices)), view.limit());
    for (std::size_t k = 0; k < prices.size(); ++k) {
      forbidden += view.base(k) > view.limit() ? 1 : 0;
    }
  }
  EXPECT_GT(forbidden, 0);
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

TEST(FleetTune, TuningNeverEndsWorseThanItBegan) {
  Random random(41);
  for (int i = 0; i < 5; ++i) {
    const Context context = draw_context({.most_nodes = 6}, random);
    const TuneOptions options{.run = {.seed = 3, .episodes = 1, .warm_up = 20, .arrivals = 100},
                              .rounds = 2,
                              .population = 8};
    const auto all = tune_all(context, options);
    EXPECT_TRUE(std::ranges::is_sorted(all, {}, &Tuned::cost));
    const auto cost_of = [&](const char* name) {
      return std::ranges::find(all, name, &Tuned::name)->cost;
    };
    const Mlp none = linear_network(std::vector<double>(kLinearTerms, 0));
    EXPECT_LE(cost_of("linear"),
              cost_a_task(sum_of(run(context, *make_learned(none), options.run))));
    EXPECT_LE(cost_of("externality"),
              cost_a_task(sum_of(run(context, *make_externality(1), options.run))));
    // What it says of itself holds when it is played again.
    TunedPolicy best(all.front());
    EXPECT_EQ(cost_a_task(sum_of(run(context, best.pricer(), options.run))), all.front().cost);
  }
}

}  // namespace
}  // namespace skerry::rl::fleet
