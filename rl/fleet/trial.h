// trial.h: an episode played with the network's outputs shifted, and some of the decisions met.

#pragma once

#include "rl/fleet/evaluate.h"
#include "rl/problem/trials.h"

namespace skerry::rl::fleet {

Trial play_shifted(const Context& context, const Mlp& network, std::span<const float> shift,
                   std::size_t arrivals, Random random);

}  // namespace skerry::rl::fleet
