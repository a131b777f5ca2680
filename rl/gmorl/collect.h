// collect.h: makes labelled decisions: acts with a policy in one context, picks moments on the way,
// and rolls out their best actions.

#pragma once

#include <cstdint>
#include <vector>

#include "rl/gmorl/rollout.h"
#include "rl/problem/labels.h"

namespace skerry::rl::gmorl {

constexpr std::size_t kLabelActions = 6;
constexpr LabelShape kLabelShape{.actions = kLabelActions, .features = kFeatures, .outputs = 2};

struct CollectOptions {
  std::size_t episodes = 8;  // each with a preference of its own
  std::size_t moments = 16;  // an episode, spread evenly at random
  std::size_t batch = 8;     // moments that are rolled out together
  RolloutOptions rollout{.actions = kLabelActions};
  double lambda = 0;  // the one preference to train on, in J/s; 0: all
  // No label's costs differ by more than this, as they grow beyond it bit by bit; 0 = they may. Where
  // servers are overrun, one dispatch moves the cost of many others, by chance as much as by choice.
  double most_weight = 0;
  double explore = 0.05;  // share of decisions that take any allowed server
};

Labels collect(const Context& context, DispatchPolicy& policy, const CollectOptions& options,
               Random random);

// A preference: all of the front, its ends included.
double drawn_weight(Random& random);

// A context to train on: 1 to 16 edges, all frequencies and loads that are asked for and some more.
Context training_context(Random& random);

}  // namespace skerry::rl::gmorl
