// The shortlist against the full scan: what it must contain, and how much it costs to look at so
// few.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "scheduler/random_fleet.h"
#include "scheduler/shortlist.h"
#include "tests/unit/scheduler_world.h"

namespace skerry::scheduler {
namespace {

using namespace testing;

std::set<NodeId> nodes_of(const Decision& decision) {
  std::set<NodeId> nodes;
  for (const Candidate& candidate : decision.candidates) {
    nodes.insert(candidate.node);
  }
  return nodes;
}

TEST(Shortlist, IsAllOfTheNodesThatTakeWorkIfTheyAreFew) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    const RandomFleetOptions options{.nodes = 60, .busy = 0};
    Fleet fleet = random_fleet(random, options);
    std::set<NodeId> ready;
    for (const NodeId node : fleet.nodes()) {
      if (ready.size() < kShortlistNodes && random.chance(0.4)) {
        ready.insert(node);
      } else {
        fleet.set_availability(node, Availability::kNotReady);
      }
    }
    const Constraints constraints;
    Placer placer = greedy_placer();
    EXPECT_EQ(nodes_of(placer.decide(random_task(random, options, constraints), fleet)), ready)
        << "seed " << seed;
  }
}

TEST(Shortlist, IsBoundedAndDeterministic) {
  Random random(1);
  const RandomFleetOptions options{.nodes = 500};
  const Fleet fleet = random_fleet(random, options);
  const Constraints constraints;
  for (int i = 0; i < 50; ++i) {
    const TaskView task = random_task(random, options, constraints);
    Placer one = greedy_placer();
    Placer other = greedy_placer();
    const Decision& a = one.decide(task, fleet);
    const Decision& b = other.decide(task, fleet);
    EXPECT_EQ(nodes_of(a).size(), kShortlistNodes);
    EXPECT_EQ(a.chosen, b.chosen);
    EXPECT_EQ(a.scores, b.scores);
  }
}

// However the fleet came about, the same state yields the same shortlist.
TEST(Shortlist, DoesNotDependOnTheOrderInWhichNodesCame) {
  Random random(4);
  std::vector<NodeSpec> specs;
  specs.reserve(200);
  for (std::uint32_t i = 0; i < 200; ++i) {
    specs.push_back(random_node(random, i, 200));
  }
  std::vector<Fleet> fleets(2);
  for (std::uint32_t i = 0; i < 200; ++i) {
    put_ready(fleets[0], NodeId{i}, specs[i]);
    put_ready(fleets[1], NodeId{199 - i}, specs[199 - i]);
  }
  Task task;
  std::vector<std::set<NodeId>> nodes;
  for (Fleet& fleet : fleets) {
    put_digits(fleet);
    Placer placer = greedy_placer();
    nodes.push_back(nodes_of(placer.decide(task.view, fleet)));
  }
  EXPECT_EQ(nodes[0], nodes[1]);
}

// Hundreds of nodes that are better in every way, and one that meets the constraint.
struct NeedleInAHaystack : ::testing::Test {
  static constexpr NodeId kNeedle{123};
  Fleet fleet;
  Task task;
  Placer placer = greedy_placer();

  NeedleInAHaystack() {
    put_digits(fleet);
    for (std::uint32_t i = 0; i < 2000; ++i) {
      NodeSpec spec = plain_node(fmt::format("n{}", i));
      spec.speed = 10;
      if (i == kNeedle.value) {
        spec.name = "needle";
        spec.tier = Tier::kDevice;
        spec.site = "far";
        spec.speed = 0.01;
        spec.price_usd_per_hour = 100;
        spec.power.busy_w = 1000;
        spec.labels["certified"] = "yes";
      }
      put_ready(fleet, NodeId{i}, spec);
    }
  }
  void expect_needle() {
    const Decision& decision = placer.decide(task.view, fleet);
    EXPECT_EQ(nodes_of(decision), std::set<NodeId>{kNeedle});
    EXPECT_TRUE(decision.chosen.has_value());

    fleet.set_capacity(kNeedle, 0);
    const Decision& full = placer.decide(task.view, fleet);
    EXPECT_FALSE(full.chosen.has_value());
    EXPECT_TRUE(full.satisfiable);
    EXPECT_EQ(masked(full, MaskReason::kNoCredit), 2U);

    fleet.remove_node(kNeedle);
    const Decision& gone = placer.decide(task.view, fleet);
    EXPECT_FALSE(gone.chosen.has_value());
    EXPECT_FALSE(gone.satisfiable);
  }
};

TEST_F(NeedleInAHaystack, IsFoundByName) {
  task.constraints.node = "needle";
  expect_needle();
}

TEST_F(NeedleInAHaystack, IsFoundBySite) {
  task.constraints.site = "far";
  expect_needle();
}

TEST_F(NeedleInAHaystack, IsFoundByTier) {
  task.constraints.tiers = {Tier::kDevice};
  expect_needle();
}

TEST_F(NeedleInAHaystack, IsFoundByLabel) {
  task.constraints.labels["certified"] = "yes";
  expect_needle();
}

TEST_F(NeedleInAHaystack, IsFoundInALargeSite) {
  task.constraints.site = "harbour";
  const Decision& decision = placer.decide(task.view, fleet);
  EXPECT_EQ(nodes_of(decision).size(), kShortlistNodes);
  EXPECT_FALSE(nodes_of(decision).contains(kNeedle));
}

TEST_F(NeedleInAHaystack, IsFoundByWhatIsPredicted) {
  // Everybody but the needle has a queue that misses the deadline, so no order by anything but the
  // queue leads to it.
  for (const NodeId node : fleet.nodes()) {
    if (node != kNeedle) {
      fleet.assigned(node, 1000);
      fleet.assigned(node, 1000);
    }
  }
  task.constraints.deadline = task.view.now + seconds(60);
  const Decision& decision = placer.decide(task.view, fleet);
  EXPECT_EQ(nodes_of(decision), std::set<NodeId>{kNeedle});
}

// How much worse than the best of the whole fleet is the choice from the shortlist? Scores are
// those of the full scan: 0 is the best imaginable, 1 the worst of the non-dominated in everything if
// all were idle and loaded. Where even the best costs more, since it has to load, by its cost.
struct Regret {
  std::vector<double> all;

  double mean() const {
    double sum = 0;
    for (const double regret : all) {
      sum += regret;
    }
    return sum / static_cast<double>(all.size());
  }
  double quantile(double share) {
    std::ranges::sort(all);
    return all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))];
  }
};

double regret_of(const TaskView& task, const Fleet& fleet, Placer& placer) {
  const Decision& decision = placer.decide(task, fleet);
  const Candidate& choice = decision.candidates[*decision.chosen];
  double best = INFINITY;
  double mine = INFINITY;
  for (const PlanEntry& entry : plan(task, fleet)) {
    if (entry.reason == MaskReason::kNone) {
      best = std::min(best, entry.score);
      mine = entry.node == choice.node && entry.variant == choice.variant ? entry.score : mine;
    }
  }
  return (mine - best) / std::max(best, 1.0);
}

Regret measure_regret(std::uint32_t nodes, const Constraints& constraints) {
  Regret regret;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Random random(seed * 1000 + nodes);
    const RandomFleetOptions options{.nodes = nodes,
                                     .resident = seed % 2 == 0 ? 0.02 : 0.25,
                                     .busy = 0.1 + 0.35 * static_cast<double>(seed % 3)};
    Fleet fleet = random_fleet(random, options);
    Placer placer = greedy_placer();
    for (int i = 0; i < 40; ++i) {
      regret.all.push_back(regret_of(random_task(random, options, constraints), fleet, placer));
    }
  }
  return regret;
}

TEST(Shortlist, CostsLittleAgainstTheFullScan) {
  Constraints zone;
  zone.labels["zone"] = "b";
  Constraints edge;
  edge.tiers = {Tier::kEdge};
  Constraints bounds;  // that nobody misses, yet that make latency and energy matter more
  bounds.deadline = instant_from_us(3'600'000'000);
  bounds.max_energy_j = 1e6;
  const Constraints none;
  for (const std::uint32_t nodes : {30U, 200U, 1000U}) {
    for (const auto& [name, constraints] : {std::pair("none", &none),
                                            {"a label", &zone},
                                            {"a tier", &edge},
                                            {"wide bounds", &bounds}}) {
      Regret regret = measure_regret(nodes, *constraints);
      const double p99 = regret.quantile(0.99);
      fmt::print("regret of the shortlist, {} nodes, constraint {}: mean {:.4f}, p99 {:.4f}\n",
                 nodes, name, regret.mean(), p99);
      EXPECT_GE(regret.quantile(0), -1e-9) << "the full scan has the best";
      EXPECT_LT(regret.mean(), 0.02);
      EXPECT_LT(p99, 0.4);
    }
  }
}

}  // namespace
}  // namespace skerry::scheduler
