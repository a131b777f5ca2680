// scheduler_three_nodes.h: a fleet of three nodes, of which each is best at something, and a placer.

#pragma once

#include <gtest/gtest.h>

#include <string_view>
#include <utility>

#include "tests/unit/scheduler_world.h"

namespace skerry::scheduler::testing {

// A fast and dear cloud node, a thrifty box, and one that is cheap but slow and thirsty.
struct World {
  static constexpr NodeId kFast{0};
  static constexpr NodeId kThrifty{1};
  static constexpr NodeId kCheap{2};
  Fleet fleet;
  Task task;
  Placer placer = greedy_placer();

  World() {
    put_digits(fleet);
    NodeSpec fast = plain_node("fast");
    fast.tier = Tier::kCloud;
    fast.speed = 10;
    fast.power.busy_w = 400;
    fast.price_usd_per_hour = 90;
    NodeSpec thrifty = plain_node("thrifty");
    thrifty.power.busy_w = 5;
    NodeSpec cheap = plain_node("cheap");
    cheap.tier = Tier::kDevice;
    cheap.speed = 0.5;
    cheap.power.busy_w = 30;
    cheap.price_usd_per_hour = 0.36;
    for (const auto& [id, spec] : {std::pair(kFast, fast), {kThrifty, thrifty}, {kCheap, cheap}}) {
      put_ready(fleet, id, spec);
      make_resident(fleet, id);
    }
  }
  const Candidate& choose() {
    const Decision& decision = placer.decide(task.view, fleet);
    EXPECT_TRUE(decision.chosen.has_value());
    return decision.candidates[*decision.chosen];
  }
  const Candidate& choose(std::string_view preset_name) {
    task.view.preference = *preset(preset_name);
    return choose();
  }
};

struct ThreeNodes : World, ::testing::Test {};

}  // namespace skerry::scheduler::testing
