#include "rl/skerry_rl/methods.h"

#include <utility>

namespace skerry::rl {

Result<Mlp> train_by_method(const TrainingSettings& settings, Clock& clock,
                            const std::function<void(const TrainProgress&)>& report) {
  const NamedProblem& problem = settings.problem;
  if (settings.method == "sac") {
    return train_sac(*problem.playable, *problem.problem, settings.sac, settings.train, clock,
                     report);
  }
  if (settings.method == "episodes") {
    return train_episodes(*problem.episodic, *problem.problem, settings.learner, settings.episodes,
                          settings.train, clock, report);
  }
  return train(*problem.problem, settings.learner, settings.train, clock, report);
}

Result<Mlp> network_of_checkpoint(const TrainingSettings& settings, const std::string& path) {
  if (settings.method == "sac") {
    SacOptions options = settings.sac;
    options.device = "cpu";
    DiscreteSac learner(options);
    auto loaded = learner.load(path);
    return loaded ? Result<Mlp>(learner.actor()) : fail(std::move(loaded).error());
  }
  LearnerOptions options = settings.learner;
  options.device = "cpu";
  if (settings.method == "episodes") {
    return network_of_episodes(*settings.problem.episodic, options, path);
  }
  Learner learner(options);
  auto loaded = learner.load(path);
  return loaded ? Result<Mlp>(learner.averaged()) : fail(std::move(loaded).error());
}

}  // namespace skerry::rl
