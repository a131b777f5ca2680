// trainer.h: approximate policy iteration: act and label with the current network, learn from the
// labels of the last iterations, again.
//
// An iteration's labels and batches depend on the seed and its number alone, whatever the number of
// threads; so a run that was resumed from a checkpoint goes on as if it had not stopped, except that
// it starts with the labels of one iteration instead of several.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/time.h"
#include "rl/problem/problem.h"
#include "rl/train/learner.h"

namespace skerry::rl {

struct TrainOptions {
  std::uint64_t seed = 1;
  std::size_t iterations = 200;
  std::size_t contexts = 96;                  // collected an iteration
  std::size_t remembered = 8;                 // iterations whose labels are learned from
  double passes = 10;                         // how often an iteration's number of labels is drawn
  double peak_rate = 3e-3;                    // falls as half a cosine
  double hot = 0.5;                           // softmax temperature at the start
  double cold = 0.05;                         // from three quarters on
  std::vector<double> mixed = {1, 0.3, 0.1};  // times the temperature
  std::size_t threads = 1;
  std::size_t probe_every = 10;  // iterations
  std::size_t save_every = 10;
  std::string folder;  // for checkpoint.pt, progress and curves.csv; empty: none
  bool resume = false;
};

// The rate of learning after this share of the iterations: half a cosine from the peak.
double rate_at(double share, const TrainOptions& options);

struct TrainProgress {
  std::size_t iteration = 0;
  std::size_t labels = 0;   // of this iteration
  std::uint64_t steps = 0;  // of the environment, in this iteration; 0: the problem cannot tell
  std::uint64_t total_labels = 0;  // with those of the runs that this one goes on from
  double loss = 0;
  double collect_s = 0;
  double learn_s = 0;
  double elapsed_s = 0;         // with the runs that this one goes on from
  double remaining_s = 0;       // as this iteration took
  std::vector<Figure> figures;  // where probed
};

// kIo, kCorrupt: the folder cannot be used. The network is the averaged one.
Result<Mlp> train(const Problem& problem, LearnerOptions learner, const TrainOptions& options,
                  Clock& clock, const std::function<void(const TrainProgress&)>& report);

}  // namespace skerry::rl
