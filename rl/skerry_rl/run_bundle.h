// run_bundle.h: makes a policy bundle of a training run.

#pragma once

#include "rl/bundle/bundle.h"
#include "rl/skerry_rl/settings.h"

namespace skerry::rl {

// What the bundle says of its training: configuration, seed, labels, seconds, machine, commit, and
// the last figures. The card is empty: evaluation fills it.
Bundle bundle_of(const TrainingSettings& settings, const Mlp& network, const TrainProgress& last);

// "AMD EPYC 7763, 2 processors", with the device that learned.
std::string machine_text(const std::string& device);

}  // namespace skerry::rl
