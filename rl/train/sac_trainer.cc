// The training loop of discrete_sac.h: play with the current actor, remember, learn, again.
#include <fmt/format.h>

#include <algorithm>

#include "rl/train/contexts.h"
#include "rl/train/discrete_sac.h"
#include "rl/train/run.h"

namespace skerry::rl {

Result<Mlp> train_sac(const Playable& playable, const Problem& problem, SacOptions sac,
                      const TrainOptions& options, Clock& clock,
                      const std::function<void(const TrainProgress&)>& report) {
  sac.shape = playable.play_shape();
  sac.seed = options.seed;
  DiscreteSac learner(sac);
  Run run(problem, options, clock, report);
  const auto first = run.begin([&](const std::string& path) { return learner.load(path); });
  if (!first) {
    return fail(first.error());
  }
  const Random root(options.seed);
  for (std::size_t iteration = *first; iteration < options.iterations; ++iteration) {
    const Random random = root.fork(fmt::format("iteration {}", iteration));
    const Instant start = clock.now();
    TrainProgress progress{.iteration = iteration + 1, .figures = {}};
    const Mlp actor = learner.actor();
    for (Transitions& play : in_all_contexts(
             options, random.fork("contexts"),
             [&](std::uint64_t seed) { return playable.play(actor, sac.temperature, seed); })) {
      progress.labels += play.size();
      learner.remember(std::move(play));
    }
    progress.steps = progress.labels;
    const Instant played = clock.now();
    const auto steps =
        static_cast<std::size_t>(sac.updates_per_decision * static_cast<double>(progress.labels));
    progress.loss = learner.learn(std::max<std::size_t>(steps, 1), random.fork("batches"));
    progress.collect_s = to_seconds(played - start);
    progress.learn_s = to_seconds(clock.now() - played);
    auto ended = run.end(
        std::move(progress), [&] { return learner.actor(); },
        [&](const std::string& path) { return learner.save(path); });
    if (!ended) {
      return fail(std::move(ended).error());
    }
  }
  return learner.actor();
}

}  // namespace skerry::rl
