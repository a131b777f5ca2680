// placement_time.h: how long the product's placement decision takes, in a random heterogeneous fleet.
//
// Each decision is applied to the fleet, and the oldest attempt is released so that the load stays
// level; all of that is in the time, and the clock's own time.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "scheduler/policy.h"

namespace skerry::rl {

struct PlacementTime {
  double per_s = 0;
  double p50_us = 0;
  double p99_us = 0;
};

struct PlacementSetting {
  std::uint32_t nodes = 0;
  bool one_variant = false;  // else three per model
};

using MakePolicy = std::function<std::unique_ptr<scheduler::Policy>()>;
// Medians over repetitions, each in a fleet of its own. The policy is asked within its breaker; none:
// greedy.
PlacementTime placement_time(const PlacementSetting& setting, const MakePolicy& make_policy,
                             int repetitions);

}  // namespace skerry::rl
