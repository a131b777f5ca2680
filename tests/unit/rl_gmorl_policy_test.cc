// Policies of the reference system's problem: what all have in common, whatever they prefer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "rl/gmorl/baselines.h"
#include "rl/gmorl/evaluate.h"
#include "rl/gmorl/nsga2.h"
#include "rl/gmorl/problem.h"
#include "rl/gmorl/tune.h"

namespace skerry::rl::gmorl {
namespace {

Mlp random_network(std::uint64_t seed) {
  Random random(seed);
  std::vector<Layer> layers = {{.inputs = kFeatures, .outputs = 16, .weights = {}, .bias = {}},
                               {.inputs = 16, .outputs = 2, .weights = {}, .bias = {}}};
  for (Layer& layer : layers) {
    for (std::size_t i = 0; i < layer.inputs * layer.outputs; ++i) {
      layer.weights.push_back(static_cast<float>(random.normal(0, 0.3)));
    }
    for (std::size_t i = 0; i < layer.outputs; ++i) {
      layer.bias.push_back(static_cast<float>(random.normal(0, 0.3)));
    }
  }
  return Mlp(std::move(layers));
}

std::vector<double> prices_of(DispatchPolicy& policy, const Context& context,
                              const Servers& servers, const Dispatch& dispatch, double w) {
  const Scales scales(context);
  View view(context, scales);
  view.start(1, policy.detail());
  view.look(0, servers, 0, dispatch, w, 50);
  view.finish(1);
  std::vector<double> prices(context.servers());
  policy.price(view, 1, prices);
  return prices;
}

// Five servers with tasks on them, as they are or in another order.
struct World {
  Context context;
  std::vector<std::vector<double>> tasks;
  Dispatch dispatch;

  static World drawn(std::uint64_t seed) {
    Random random(seed);
    World world;
    world.dispatch.mbit = random.exponential(10);
    for (int server = 0; server < 5; ++server) {
      world.context.speed.push_back(random.uniform(1, 5));
      world.dispatch.upload_s.push_back(static_cast<float>(random.uniform(0.01, 0.1)));
      world.tasks.emplace_back();
      for (std::uint64_t i = random.below(4); i > 0; --i) {
        world.tasks.back().push_back(random.exponential(10));
      }
    }
    return world;
  }
  World permuted(const std::vector<std::size_t>& order) const {
    World other{.context = context, .tasks = tasks, .dispatch = dispatch};
    for (std::size_t i = 0; i < order.size(); ++i) {
      other.context.speed[i] = context.speed[order[i]];
      other.tasks[i] = tasks[order[i]];
      other.dispatch.upload_s[i] = dispatch.upload_s[order[i]];
    }
    return other;
  }
  Servers servers() const {
    Servers all(context, 1);
    for (std::size_t server = 0; server < tasks.size(); ++server) {
      for (const double mbit : tasks[server]) {
        all.join(0, server, mbit);
      }
    }
    return all;
  }
};

TEST(GmorlPolicies, PermutingServersPermutesPrices) {
  const Mlp network = random_network(2);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const World world = World::drawn(seed);
    std::vector<std::size_t> order(5);
    std::iota(order.begin(), order.end(), std::size_t{0});
    Random random(seed);
    for (std::size_t i = 4; i > 0; --i) {
      std::swap(order[i], order[random.below(i + 1)]);
    }
    const World other = world.permuted(order);
    PricedPolicy learned(network, 5);
    auto linear = make_linear(5, {0.1, 0.2, -0.3, 0.05, 0.1, 0.2, -0.1, 0.3, 0.2});
    auto jsq = make_baseline("jsq", 5);
    GreedyPolicy greedy(5);
    for (DispatchPolicy* policy : {static_cast<DispatchPolicy*>(&learned), linear.get(), jsq.get(),
                                   static_cast<DispatchPolicy*>(&greedy)}) {
      const auto here = prices_of(*policy, world.context, world.servers(), world.dispatch, 0.4);
      const auto there = prices_of(*policy, other.context, other.servers(), other.dispatch, 0.4);
      for (std::size_t i = 0; i < 5; ++i) {
        // Sums over the fleet round in another order.
        if (std::isinf(here[order[i]])) {
          EXPECT_TRUE(std::isinf(there[i])) << "seed " << seed;
        } else {
          EXPECT_NEAR(there[i], here[order[i]], 1e-4 * (1 + std::abs(there[i]))) << "seed " << seed;
        }
      }
    }
  }
}

TEST(GmorlPolicies, ANetworkOfZerosIsGreedy) {
  const Mlp zeros({{.inputs = kFeatures,
                    .outputs = 2,
                    .weights = std::vector<float>(2 * kFeatures, 0),
                    .bias = {0, 0}}});
  const Context context = uniform_context(4);
  PricedPolicy learned(zeros, context.servers());
  GreedyPolicy greedy(context.servers());
  const auto a = run(context, learned, 0.01, {.seed = 1, .episodes = 20});
  const auto b = run(context, greedy, 0.01, {.seed = 1, .episodes = 20});
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i].delay_s, b[i].delay_s, 1e-9 * b[i].delay_s);
    EXPECT_NEAR(a[i].energy_j, b[i].energy_j, 1e-9 * b[i].energy_j);
  }
}

TEST(GmorlPolicies, TheGuardForbidsWhatIsFarDearerThanTheBestWhateverTheNetworkSays) {
  World world = World::drawn(1);
  world.tasks.assign(5, {});
  world.tasks[3].assign(30, 100.0);  // hopelessly overloaded
  std::vector<float> pull(2 * kFeatures, 0);
  pull[2] = pull[kFeatures + 2] = -1e6f;  // a network in love with full servers
  const Mlp network(
      {{.inputs = kFeatures, .outputs = 2, .weights = std::move(pull), .bias = {0, 0}}});
  PricedPolicy learned(network, 5);
  const auto prices = prices_of(learned, world.context, world.servers(), world.dispatch, 0.9);
  EXPECT_TRUE(std::isinf(prices[3]));
  EXPECT_NE(cheapest(prices), 3u);
}

TEST(GmorlPolicies, RandomNumbersAreCommonWhateverAPolicyDoes) {
  // A policy that is indifferent to what happens sees the same sizes: its energy on servers of one
  // speed is the same wherever it sends them, the uploads apart.
  Context context = uniform_context(4, 2, 2);
  auto cloud = make_baseline("cloud", 5);
  auto spread = make_baseline("round-robin", 5);
  const auto a = run(context, *cloud, 0.01, {.seed = 3, .episodes = 10});
  const auto b = run(context, *spread, 0.01, {.seed = 3, .episodes = 10});
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i].energy_j / b[i].energy_j, 1, 0.02);
    EXPECT_GT(a[i].delay_s, b[i].delay_s);
  }
}

TEST(GmorlPolicies, EpisodesDoNotDependOnHowManyRunSideBySide) {
  const Context context = uniform_context(3);
  GreedyPolicy greedy(context.servers());
  const auto a = run(context, greedy, 0.01, {.seed = 3, .episodes = 9, .batch = 2});
  const auto b = run(context, greedy, 0.01, {.seed = 3, .first = 4, .episodes = 5, .batch = 16});
  for (std::size_t i = 0; i < b.size(); ++i) {
    EXPECT_EQ(a[i + 4].delay_s, b[i].delay_s);
    EXPECT_EQ(a[i + 4].energy_j, b[i].energy_j);
  }
}

TEST(GmorlPolicies, EachEpisodeLooksAtItsOwnStaleState) {
  Context context = uniform_context(3);
  context.stale_steps = 3;
  for (const auto& tuned : {Tuned{"iterated", {0.6}, 0}, Tuned{"greedy", {}, 0}}) {
    const auto alone = make_tuned(tuned, context, 0.01);
    const auto beside = make_tuned(tuned, context, 0.01);
    const auto a = run(context, *alone, 0.01, {.seed = 3, .episodes = 16, .batch = 1});
    const auto b = run(context, *beside, 0.01, {.seed = 3, .episodes = 16, .batch = 16});
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].delay_s, b[i].delay_s) << tuned.name;
    }
  }
}

TEST(GmorlPolicies, StaleStateMakesGreedyWorse) {
  Context fresh = uniform_context(6);
  Context stale = fresh;
  stale.stale_steps = 2;
  GreedyPolicy greedy(fresh.servers());
  double sum_fresh = 0, sum_stale = 0;
  for (const Total& total : run(fresh, greedy, 0.1, {.seed = 3, .episodes = 50})) {
    sum_fresh += total.delay_s;
  }
  for (const Total& total : run(stale, greedy, 0.1, {.seed = 3, .episodes = 50})) {
    sum_stale += total.delay_s;
  }
  EXPECT_GT(sum_stale, 1.03 * sum_fresh);
}

TEST(GmorlPolicies, LookingAheadOverGreedyBeatsGreedy) {
  const Context context = uniform_context(3);
  GreedyPolicy greedy(context.servers());
  double plain = 0, ahead = 0;
  for (const Total& total : run(context, greedy, 0.01, {.seed = 3, .episodes = 16})) {
    plain += cost_at(total, 0.01);
  }
  for (const Total& total : run_lookahead(context, greedy, 0.01, {.seed = 3, .episodes = 16},
                                          {.futures = 16, .horizon = 30})) {
    ahead += cost_at(total, 0.01);
  }
  EXPECT_LT(ahead, plain);
}

TEST(GmorlBaselines, AnIdleSplitSharesNothingWithSlowServersAndABusyOneMustUseAll) {
  Context context;
  context.speed = {10, 1};
  context.load = 0.05;
  const auto idle = best_split(context, 1);
  EXPECT_NEAR(idle[0], 1, 1e-9);
  context.load = 0.95;
  const auto busy = best_split(context, 1);
  EXPECT_GT(busy[1], 0.02);
  EXPECT_NEAR(busy[0] + busy[1], 1, 1e-9);
}

TEST(GmorlBaselines, IteratedWithoutLoadAndExternalityOfNothingAreGreedy) {
  const World world = World::drawn(6);
  const Servers servers = world.servers();
  GreedyPolicy greedy(5);
  const auto exact = prices_of(greedy, world.context, servers, world.dispatch, 0.3);
  const auto iterated = make_iterated(world.context, 0.3, 0);
  const auto externality = make_externality(5, 0);
  const auto a = prices_of(*iterated, world.context, servers, world.dispatch, 0.3);
  const auto b = prices_of(*externality, world.context, servers, world.dispatch, 0.3);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(a[i], exact[i], 1e-9);
    EXPECT_NEAR(b[i], exact[i], 1e-9);
  }
}

TEST(GmorlBaselines, TuningIsDeterministicAndNeverBelowGreedyOnItsOwnSeeds) {
  Context context = uniform_context(2);
  context.load = 0.8;
  const TuneOptions options{
      .episodes = 20, .rounds = 2, .population = 8, .only = {"externality", "linear"}};
  const auto one = tune_all(context, 0.01, options);
  const auto two = tune_all(context, 0.01, options);
  ASSERT_EQ(one.size(), 3u);
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].name, two[i].name);
    EXPECT_EQ(one[i].parameters, two[i].parameters);
    EXPECT_EQ(one[i].cost, two[i].cost);
  }
  // Both can be greedy, so neither ends behind it.
  EXPECT_EQ(one.back().name, "greedy");
}

TEST(GmorlBaselines, Nsga2FindsAKnownFront) {
  // Schaffer's problem: x^2 and (x - 2)^2 trade off between 0 and 2 alone.
  const Measure measure = [](std::vector<Individual>& all) {
    for (Individual& one : all) {
      const double x = 10 * one.genes[0] - 4;
      one.first = x * x;
      one.second = (x - 2) * (x - 2);
    }
  };
  const auto front = nsga2(1, measure, {.population = 20, .generations = 30});
  double least = 1e9, most = -1e9;
  for (const Individual& one : front) {
    const double x = 10 * one.genes[0] - 4;
    EXPECT_GT(x, -0.05);
    EXPECT_LT(x, 2.05);
    least = std::min(least, x);
    most = std::max(most, x);
  }
  EXPECT_LT(least, 0.2);
  EXPECT_GT(most, 1.8);
}

TEST(GmorlCollect, TheSameSeedYieldsTheSameLabelsWithinTheirShape) {
  const Mlp network = random_network(4);
  const GmorlProblem problem(
      {.collect = {
           .episodes = 2, .moments = 4, .rollout = {.actions = 4, .futures = 2, .horizon = 20}}});
  const Labels one = problem.collect(network, 11);
  const Labels two = problem.collect(network, 11);
  ASSERT_GT(one.size(), 0u);
  EXPECT_EQ(one.features, two.features);
  EXPECT_EQ(one.costs, two.costs);
  EXPECT_GT(one.steps, 0u);
  EXPECT_EQ(one.costs.size(), one.size() * kLabelActions);
  for (std::size_t i = 0; i < one.size(); ++i) {
    float least = 1e9f;
    ASSERT_GE(one.counts[i], 2);
    for (std::size_t a = 0; a < one.counts[i]; ++a) {
      least = std::min(least, one.costs[i * kLabelActions + a]);
    }
    EXPECT_EQ(least, 0);  // costs are above the label's least
  }
}

}  // namespace
}  // namespace skerry::rl::gmorl
