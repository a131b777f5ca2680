// evaluate.h: what a policy costs in a fleet, episode by episode, on common random numbers.

#pragma once

#include <cstdint>
#include <vector>

#include "rl/fleet/policy.h"

namespace skerry::rl::fleet {

// Long enough for what a policy leaves waiting to come back to it.
struct RunOptions {
  std::uint64_t seed = 1;
  std::size_t episodes = 2;
  std::size_t warm_up = 400;    // arrivals that are not counted: the fleet starts idle
  std::size_t arrivals = 2000;  // counted ones
};

std::vector<Tally> run(const Context& context, Pricer& policy, const RunOptions& options);
Tally sum_of(const std::vector<Tally>& tallies);
// Scaled, weighed, misses included.
inline double cost_a_task(const Tally& tally) {
  return tally.cost / static_cast<double>(tally.tasks > 0 ? tally.tasks : 1);
}

}  // namespace skerry::rl::fleet
