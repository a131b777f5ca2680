// run_files.h: what a training run leaves in its folder: curves.csv, and a checkpoint with how far it
// is.
//
// The checkpoint is whole or the one before: each file is renamed into place, the numbers last.
// Without a folder nothing is kept.

#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "common/error.h"
#include "rl/train/trainer.h"

namespace skerry::rl {

// How far a run is.
struct RunProgress {
  std::size_t iterations = 0;
  std::uint64_t labels = 0;
  double seconds = 0;
};

// Of the checkpoint in a folder; kNotFound.
Result<RunProgress> read_progress(const std::string& folder);

class RunFiles {
 public:
  using Transfer = std::function<Status(const std::string& path)>;

  RunFiles(std::string folder, bool resume) : folder_(std::move(folder)), resume_(resume) {}

  Status open(const std::vector<std::string>& figures);
  // Where to go on from; the start unless the run is resumed. `load` gets the checkpoint's path.
  Result<RunProgress> resume(const Transfer& load);
  void add(const TrainProgress& progress);
  Status save(const Transfer& save, const RunProgress& done);

 private:
  std::string path(std::string_view name) const;

  std::string folder_;
  bool resume_;
  std::ofstream curves_;
};

}  // namespace skerry::rl
