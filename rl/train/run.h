// run.h: what all training loops have in common: going on from a checkpoint, probing now and then,
// saving, and telling how it goes.

#pragma once

#include <functional>

#include "common/error.h"
#include "common/time.h"
#include "rl/problem/problem.h"
#include "rl/train/run_files.h"
#include "rl/train/trainer.h"

namespace skerry::rl {

class Run {
 public:
  using Report = std::function<void(const TrainProgress&)>;

  Run(const Problem& problem, const TrainOptions& options, Clock& clock, const Report& report)
      : problem_(problem),
        options_(options),
        clock_(clock),
        report_(report),
        files_(options.folder, options.resume) {}

  // The iteration to begin with: 0, or where the checkpoint that `load` is given the path of was made.
  // kIo, kCorrupt.
  Result<std::size_t> begin(const RunFiles::Transfer& load);
  // Ends an iteration; of the progress the caller fills in number, labels, steps, loss and the two
  // times. `network` is asked only where it is probed.
  Status end(TrainProgress progress, const std::function<Mlp()>& network,
             const RunFiles::Transfer& save);

 private:
  const Problem& problem_;
  const TrainOptions& options_;
  Clock& clock_;
  const Report& report_;
  RunFiles files_;
  Instant began_ = {};
  RunProgress first_, done_;
};

}  // namespace skerry::rl
