// episode_trainer.h: learns from what whole episodes cost.
//
// The network's outputs are shifted by the same random numbers in all decisions of an episode, once to
// one side and once to the other, on the same tasks; the ratio of the two costs says into which
// direction they should have gone, at the decisions that were met. (Parameter-exploring policy
// gradients, Sehnke et al. 2010, with the outputs for a context as the parameters; antithetic pairs.)
// So it learns only what is the same for all candidates of a decision, from few episodes, and with no
// horizon cut off.
//
// Deterministic for a seed on one machine, whatever the number of threads.

#pragma once

#include "rl/problem/trials.h"
#include "rl/train/trainer.h"

namespace skerry::rl {

struct EpisodeOptions {
  double spread = 0.5;      // of the shifts: one standard deviation
  double most_ratio = 0.7;  // of the two costs, as a logarithm; more counts as this
};

// Of the learner's options shape and batch say nothing: an iteration is one step over all its pairs
// (TrainOptions::contexts). kIo, kCorrupt: the folder cannot be used.
Result<Mlp> train_episodes(const Episodic& episodic, const Problem& problem,
                           const LearnerOptions& learner, const EpisodeOptions& episodes,
                           const TrainOptions& options, Clock& clock,
                           const std::function<void(const TrainProgress&)>& report);
// What acts, of a checkpoint. kCorrupt.
Result<Mlp> network_of_episodes(const Episodic& episodic, const LearnerOptions& learner,
                                const std::string& checkpoint);

}  // namespace skerry::rl
