// evaluate.h: what a policy costs in a context, episode by episode, on common random numbers.

#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "rl/gmorl/policy.h"
#include "rl/gmorl/rollout.h"

namespace skerry::rl::gmorl {

// Totals of one episode.
struct Total {
  double delay_s = 0;
  double energy_j = 0;
};

// In joules; in seconds where lambda is infinite, which means that only delay counts.
inline double cost_at(const Total& total, double lambda) {
  return std::isinf(lambda) ? total.delay_s : lambda * total.delay_s + total.energy_j;
}

struct RunOptions {
  std::uint64_t seed = 1;
  std::size_t first = 0;  // episode numbers [first, first + episodes)
  std::size_t episodes = 1000;
  std::size_t batch = 16;  // side by side; so many stay in the fast caches
};

std::vector<Total> run(const Context& context, DispatchPolicy& policy, double lambda,
                       const RunOptions& options);

// The same of a policy that decides by rolling out its best actions over itself. Where the horizon
// is not given, it looks as far ahead as the options say, whatever is left of the episode. The state
// is never stale here.
std::vector<Total> run_lookahead(const Context& context, DispatchPolicy& policy, double lambda,
                                 const RunOptions& options, RolloutOptions rollout);

}  // namespace skerry::rl::gmorl
