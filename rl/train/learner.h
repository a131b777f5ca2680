// learner.h: fits the network to labelled decisions, in libtorch, on a processor or a GPU.
//
// The loss of a label is sum_a pi(a) cost(a) with pi = softmax(-price / temperature): the gradient
// of the cost of acting softly, over all actions at once, unbiased however noisy the costs are. It
// is averaged over several temperatures, since a cold softmax has no gradient where the network is
// sure of the wrong action. (All-action policy gradient: Sutton et al., 2000; with rolled-out costs
// it is approximate policy iteration.)
//
// Weights are averaged exponentially along the way, and the average is what acts at the end.
// Deterministic: the same labels in the same order yield the same weights on the same machine.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/random.h"
#include "rl/net/mlp.h"
#include "rl/problem/labels.h"

namespace skerry::rl {

struct LearnerOptions {
  LabelShape shape;
  std::vector<std::size_t> hidden = {64, 64};
  std::size_t batch = 1024;
  double average_decay = 0.998;  // per step
  double gradient_limit = 1;     // of its norm
  std::string device = "cpu";    // or "cuda"
  std::size_t threads = 1;       // of libtorch; another number may round otherwise
  std::uint64_t seed = 1;        // of the first weights
};

// What changes as training goes on.
struct LearnerSchedule {
  double rate = 1e-3;
  std::vector<double> temperatures = {0.5, 0.15, 0.05};
};

class Learner {
 public:
  explicit Learner(LearnerOptions options);  // throws c10::Error, e.g. if there is no such device
  ~Learner();

  // Takes steps over batches that `random` draws from the labels; returns the mean loss.
  double learn(const Labels& labels, std::size_t steps, const LearnerSchedule& schedule,
               Random random);

  Mlp current() const;   // acts while training
  Mlp averaged() const;  // is what training yields

  // Weights, their average and the optimizer's state, as one file; kIo, kCorrupt.
  Status save(const std::string& path) const;
  Status load(const std::string& path);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace skerry::rl
