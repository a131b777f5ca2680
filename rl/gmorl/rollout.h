// rollout.h: what each of a decision's best actions costs in the end, by simulating common futures
// in which a policy decides everything that follows.
//
// All actions of a decision meet the same futures, so that their difference is not drowned in noise.
// Costs are normalised (view.h) and add up from the decision on: w x delay / D0 + (1 - w) x
// energy / E0, over the horizon. What is left on the servers at the end is paid for already, since a
// marginal delay counts a task to its end.

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rl/gmorl/policy.h"

namespace skerry::rl::gmorl {

// A moment at which a task is dispatched.
struct Moment {
  Servers servers;  // one row
  Tape tape;        // as it goes on; rollouts draw futures of it
  Dispatch dispatch;
  double w = 0;
  int remaining = 0;  // steps of the episode after this one
};

struct RolloutOptions {
  std::size_t actions = 6;  // the best by the policy's own price; never one that the guard forbids
  std::size_t futures = 6;
  int horizon = 300;  // steps; less where the episode ends before
  std::uint64_t seed = 1;
};

// The actions that were tried and their mean costs, action by action, per moment.
struct Outcome {
  std::vector<std::uint32_t> servers;
  std::vector<double> costs;
  std::uint64_t steps = 0;  // that were simulated for it
};

// All moments are of one context.
std::vector<Outcome> roll_out(const Context& context, const Scales& scales, DispatchPolicy& policy,
                              std::span<const Moment> moments, const RolloutOptions& options);

}  // namespace skerry::rl::gmorl
