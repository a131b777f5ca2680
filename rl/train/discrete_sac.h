// discrete_sac.h: Soft Actor-Critic for discrete actions (Haarnoja et al. 2018; Christodoulou 2019,
// arXiv:1910.07207): the reference system's method, over the same features and the same form of price,
// for comparison.
//
// Actor: pi(a) = softmax(-price(a) / temperature), price as in labels.h. Critics: two scorers of the
// same features, each the discounted sum of costs from an action on; the larger of the two counts,
// since costs are made small. Their targets follow slowly. The weight of entropy is learned so that
// the actor's entropy stays at a share of the most that its actions allow. Deterministic, like
// learner.h.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/random.h"
#include "common/time.h"
#include "rl/problem/transitions.h"
#include "rl/train/trainer.h"

namespace skerry::rl {

struct SacOptions {
  LabelShape shape;
  std::vector<std::size_t> hidden = {64, 64};
  std::size_t batch = 256;       // Haarnoja et al. 2018
  double rate = 3e-4;            // of all three networks, likewise
  double discount = 0.97;        // per decision: a shock to a server fades in some 30 of them
  double follow = 0.005;         // of the targets, per update; likewise
  double temperature = 0.05;     // of the actor: normalised costs differ by about so much
  double entropy_share = 0.2;    // of log(actions); the paper's 0.98 is nearly uniform
  double entropy_weight = 0.05;  // at first
  std::size_t replay = 100'000;  // decisions kept; about 2 kB each
  double updates_per_decision = 0.1;
  double gradient_limit = 10;  // of its norm
  std::string device = "cpu";
  std::size_t threads = 1;  // of libtorch
  std::uint64_t seed = 1;
};

class DiscreteSac {
 public:
  explicit DiscreteSac(SacOptions options);
  ~DiscreteSac();

  void remember(Transitions transitions);
  // Takes steps over batches from what is remembered; returns the critics' mean loss.
  double learn(std::size_t steps, Random random);
  Mlp actor() const;

  Status save(const std::string& path) const;  // without the memory; kIo
  Status load(const std::string& path);        // kCorrupt

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Plays and learns in turns. Of the options those count that are not about labels: seed, iterations,
// contexts, threads, probe_every, save_every, folder, resume. `problem` probes.
Result<Mlp> train_sac(const Playable& playable, const Problem& problem, SacOptions sac,
                      const TrainOptions& options, Clock& clock,
                      const std::function<void(const TrainProgress&)>& report);

}  // namespace skerry::rl
