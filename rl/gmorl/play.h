// play.h: plays the dispatch problem with a policy that throws dice, and records every decision: what
// actor-critic methods learn from.

#pragma once

#include "rl/gmorl/collect.h"
#include "rl/problem/transitions.h"

namespace skerry::rl::gmorl {

constexpr std::size_t kPlayActions = 17;  // the largest fleet that is trained on
constexpr LabelShape kPlayShape{.actions = kPlayActions, .features = kFeatures, .outputs = 2};

// Episodes are cut off where the context hides its horizon, and over where it gives it. Only servers
// that the guard allows are candidates.
Transitions play(const Context& context, const Mlp& actor, double temperature, std::size_t episodes,
                 Random random);

}  // namespace skerry::rl::gmorl
