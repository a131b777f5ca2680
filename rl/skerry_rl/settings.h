// settings.h: a training configuration: one YAML document of kind TrainingConfig.
//
// Unknown keys and values out of range are refused with their line. README.md of rl/ lists the keys.

#pragma once

#include <map>
#include <string>

#include "common/error.h"
#include "rl/skerry_rl/problems.h"
#include "rl/train/discrete_sac.h"
#include "rl/train/episode_trainer.h"
#include "rl/train/trainer.h"

namespace skerry::rl {

struct TrainingSettings {
  std::string name;          // of the bundle
  std::string problem_name;  // "gmorl"
  NamedProblem problem;
  std::string method;  // "iteration", "sac" or "episodes"; methods.h
  LearnerOptions learner;
  SacOptions sac;
  EpisodeOptions episodes;
  TrainOptions train;
  std::string effective;  // every setting as it stands, as YAML; reads back to the same run
};

// Flags are settings that stand over the file's: {"seed", "2"}. kNotFound, kIo, kTooLarge of the file;
// kInvalidArgument with every mistake, one a line.
Result<TrainingSettings> read_training_settings(const std::string& path,
                                                const std::map<std::string, std::string>& flags);

}  // namespace skerry::rl
