// collect.h: makes labelled decisions: acts with a policy in one fleet, picks moments on the way, and
// rolls out their best candidates over common futures in which the policy decides everything that
// follows.
//
// Costs of a label are relative to what a task of this fleet costs on average, so that a busy fleet,
// where everything costs more, does not drown the others.

#pragma once

#include <cstdint>

#include "rl/fleet/policy.h"
#include "rl/problem/labels.h"

namespace skerry::rl::fleet {

constexpr std::size_t kLabelActions = 6;
constexpr LabelShape kLabelShape{
    .actions = kLabelActions, .features = kFeatures, .outputs = kOutputs};

struct CollectOptions {
  std::size_t arrivals = 400;  // of the episode
  std::size_t moments = 24;    // spread evenly at random
  std::size_t futures = 4;
  double arrivals_a_slot = 4;  // a future has so many for each slot of the fleet,
  std::size_t least_horizon = 50;
  std::size_t most_horizon = 160;
  double explore = 0.05;  // share of decisions that take any candidate within the guard
};

Labels collect(const Context& context, Pricer& policy, const CollectOptions& options,
               Random random);

}  // namespace skerry::rl::fleet
