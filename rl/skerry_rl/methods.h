// methods.h: trains by the method that the settings name, and reads what it left in a checkpoint. The one
// place to add another, beside its settings (settings.h).

#pragma once

#include <functional>
#include <string>

#include "common/error.h"
#include "common/time.h"
#include "rl/skerry_rl/settings.h"

namespace skerry::rl {

// kIo, kNotFound, kCorrupt: the folder cannot be used.
Result<Mlp> train_by_method(const TrainingSettings& settings, Clock& clock,
                            const std::function<void(const TrainProgress&)>& report);

// What acts, of a checkpoint; one of a GPU is read on the processor too. kCorrupt.
Result<Mlp> network_of_checkpoint(const TrainingSettings& settings, const std::string& path);

}  // namespace skerry::rl
