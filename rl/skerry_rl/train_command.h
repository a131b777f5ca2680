// train_command.h: `skerry-rl train`: trains by a configuration, and leaves in a folder what came of
// it: config.yaml (every setting as it stood), curves.csv, a checkpoint, and at the end policy.json,
// the bundle.

#pragma once

#include <map>
#include <string>

#include "common/error.h"
#include "common/time.h"

namespace skerry::rl {

struct TrainArguments {
  std::string config;
  std::string out = "rl-out";
  std::map<std::string, std::string> settings;  // over the file's
  std::size_t threads = 1;                      // that collect and probe
  bool resume = false;
};

// Prints its progress. The error says what of the arguments, the file or the folder is wrong.
Status train_command(const TrainArguments& arguments, Clock& clock);

}  // namespace skerry::rl
