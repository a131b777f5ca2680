#include <gtest/gtest.h>

#include <map>

#include "scheduler/place.h"
#include "scheduler/random_fleet.h"
#include "tests/unit/scheduler_world.h"

namespace skerry::scheduler {
namespace {

using namespace testing;

Placer placer_of(std::string_view policy, std::uint64_t seed = 1) {
  return {make_heuristic(policy), Random(seed)};
}

// Equal nodes with room for a lot.
Fleet equal_nodes(std::uint32_t count) {
  Fleet fleet;
  put_digits(fleet);
  for (std::uint32_t i = 0; i < count; ++i) {
    put_ready(fleet, NodeId{i}, plain_node(fmt::format("n{}", i)));
    fleet.set_capacity(NodeId{i}, 1000);
  }
  return fleet;
}

// Places tasks one after the other, none of which ends; how many each node got.
std::map<std::uint32_t, int> place_many(Placer& placer, Fleet& fleet, int tasks) {
  std::map<std::uint32_t, int> placed;
  const Task task;
  for (int i = 0; i < tasks; ++i) {
    const Decision& decision = placer.decide(task.view, fleet);
    const Candidate& choice = decision.candidates[*decision.chosen];
    ++placed[choice.node.value];
    fleet.assigned(choice.node, choice.prediction.service_s);
  }
  return placed;
}

TEST(Heuristics, AreMadeByName) {
  for (const std::string_view name : heuristic_names()) {
    ASSERT_NE(make_heuristic(name), nullptr) << name;
    EXPECT_EQ(make_heuristic(name)->name(), name);
  }
  EXPECT_EQ(make_heuristic("oracle"), nullptr);
}

TEST(RoundRobin, IsFairWhetherTheFleetIsSmallOrShortlisted) {
  for (const std::uint32_t count : {3U, 16U, 100U}) {
    Fleet fleet = equal_nodes(count);
    Placer placer = placer_of("round-robin");
    const auto placed = place_many(placer, fleet, static_cast<int>(count) * 5);
    EXPECT_EQ(placed.size(), count);
    for (const auto& [node, times] : placed) {
      EXPECT_EQ(times, 5) << "node " << node << " of " << count;
    }
  }
}

TEST(Jsq, KeepsQueuesPerSlotLevel) {
  Fleet fleet = equal_nodes(40);
  NodeSpec wide = plain_node("n0");
  wide.slots = 4;
  fleet.put_node(NodeId{0}, wide);
  Placer placer = placer_of("jsq");
  const auto placed = place_many(placer, fleet, 43 * 3);
  for (const auto& [node, times] : placed) {
    EXPECT_EQ(times, node == 0 ? 12 : 3) << "node " << node;
  }
}

TEST(Jsq, LeavesTheVariantToThePreference) {
  Fleet fleet = equal_nodes(2);
  Placer placer = placer_of("jsq");
  Task task;
  task.view.preference = *preset("accurate");
  const Decision& accurate = placer.decide(task.view, fleet);
  EXPECT_EQ(accurate.candidates[*accurate.chosen].variant, kLarge);
  task.view.preference = *preset("fast");
  const Decision& fast = placer.decide(task.view, fleet);
  EXPECT_EQ(fast.candidates[*fast.chosen].variant, kSmall);
}

TEST(RandomPolicy, IsSpreadAndReplaysFromItsSeed) {
  std::vector<std::map<std::uint32_t, int>> runs;
  for (const std::uint64_t seed : {5U, 5U, 6U}) {
    Fleet fleet = equal_nodes(4);
    Placer placer = placer_of("random", seed);
    runs.push_back(place_many(placer, fleet, 400));
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_NE(runs[0], runs[2]);
  for (const auto& [node, times] : runs[0]) {
    EXPECT_NEAR(times, 100, 40) << "node " << node;
  }
}

TEST(Greedy, ScoresAreTheWeightedSumOfWhatItWasGiven) {
  Random random(3);
  const RandomFleetOptions options{.nodes = 12};
  const Fleet fleet = random_fleet(random, options);
  const Constraints constraints;
  const TaskView task = random_task(random, options, constraints);
  Placer placer = placer_of("greedy");
  const Decision& decision = placer.decide(task, fleet);
  for (std::size_t i = 0; i < decision.candidates.size(); ++i) {
    EXPECT_EQ(decision.scores[i], weighted_sum(task.preference, decision.candidates[i].normalised));
    EXPECT_GE(decision.scores[i], decision.scores[*decision.chosen]);
  }
}

}  // namespace
}  // namespace skerry::scheduler
