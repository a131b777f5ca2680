// run_bundle.h: makes a policy bundle of a training run.

#pragma once

#include "rl/bundle/bundle.h"
#include "rl/skerry_rl/settings.h"

namespace skerry::rl {

// Where a run was started: {"commit": ..., "machine": "AMD EPYC 7763, 2 processors"}. Kept in its
// folder, since a bundle may be exported elsewhere. kIo, kNotFound, kCorrupt.
Status write_origin(const std::string& folder, const std::string& device);
Result<boost::json::object> read_origin(const std::string& folder);

// What the bundle says of its training: configuration, seed, iterations, labels, seconds, where it was
// trained, and the last figures. The card is empty: evaluation fills it.
Bundle bundle_of(const TrainingSettings& settings, const Mlp& network, const TrainProgress& last,
                 const boost::json::object& origin);

}  // namespace skerry::rl
