// learned_policy.h: the learned policy in the controller: a bundle's network over the scheduler's
// own predictions.
//
// Deterministic and without I/O like every policy; what a bundle may break is caught where it is
// read (bundle.h), and a score that is not finite by the placer's breaker. Nothing is allocated once
// the buffers have grown to the longest shortlist.

#pragma once

#include <memory>

#include "common/error.h"
#include "rl/bundle/bundle.h"
#include "scheduler/policy.h"

namespace skerry::rl {

// The policy that a bundle stands for: its network, within the ranges that it was trained on if it
// says them (ranged_policy.h). kUnsupported: a bundle of another problem, or of features that this
// build does not compute; kInvalidArgument: ranges that are none.
Result<std::unique_ptr<scheduler::Policy>> policy_of_bundle(const Bundle& bundle);

// The same without the ranges.
Result<std::unique_ptr<scheduler::Policy>> make_learned_policy(const Bundle& bundle);

}  // namespace skerry::rl
