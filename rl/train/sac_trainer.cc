// The training loop of discrete_sac.h: play with the current actor, remember, learn, again.
#include <fmt/format.h>

#include <algorithm>

#include "rl/problem/parallel.h"
#include "rl/train/discrete_sac.h"
#include "rl/train/run_files.h"

namespace skerry::rl {

namespace {

std::vector<Transitions> play_all(const Playable& playable, const Mlp& actor, double temperature,
                                  const TrainOptions& options, Random random) {
  std::vector<std::uint64_t> seeds(options.contexts);
  for (std::uint64_t& seed : seeds) {
    seed = random.next_u64();
  }
  std::vector<Transitions> plays(options.contexts);
  parallel_for(options.contexts, options.threads,
               [&](std::size_t i) { plays[i] = playable.play(actor, temperature, seeds[i]); });
  return plays;
}

}  // namespace

Result<Mlp> train_sac(const Playable& playable, const Problem& problem, SacOptions sac,
                      const TrainOptions& options, Clock& clock,
                      const std::function<void(const TrainProgress&)>& report) {
  sac.shape = playable.play_shape();
  sac.seed = options.seed;
  DiscreteSac learner(sac);
  RunFiles files(options.folder, options.resume);
  if (auto opened = files.open(problem.figures()); !opened) {
    return fail(std::move(opened).error());
  }
  const auto first = files.resume([&](const std::string& path) { return learner.load(path); });
  if (!first) {
    return fail(first.error());
  }
  const Random root(options.seed);
  const Instant began = clock.now();
  RunProgress done = *first;
  for (std::size_t iteration = first->iterations; iteration < options.iterations; ++iteration) {
    const Random random = root.fork(fmt::format("iteration {}", iteration));
    const Instant start = clock.now();
    TrainProgress progress{.iteration = iteration + 1, .figures = {}};
    for (Transitions& play :
         play_all(playable, learner.actor(), sac.temperature, options, random.fork("contexts"))) {
      progress.labels += play.size();
      learner.remember(std::move(play));
    }
    progress.steps = progress.labels;
    const Instant played = clock.now();
    const auto steps =
        static_cast<std::size_t>(sac.updates_per_decision * static_cast<double>(progress.labels));
    progress.loss = learner.learn(std::max<std::size_t>(steps, 1), random.fork("batches"));
    const Instant learned = clock.now();
    const bool last = iteration + 1 == options.iterations;
    if (last || (iteration + 1) % options.probe_every == 0) {
      const Mlp actor = learner.actor();
      progress.figures.resize(problem.figures().size());
      parallel_for(progress.figures.size(), options.threads,
                   [&](std::size_t i) { progress.figures[i] = problem.probe(actor, i); });
    }
    const double here_s = to_seconds(clock.now() - began);
    done = {.iterations = iteration + 1,
            .labels = done.labels + progress.labels,
            .seconds = first->seconds + here_s};
    if (last || (iteration + 1) % options.save_every == 0) {
      if (auto saved =
              files.save([&](const std::string& path) { return learner.save(path); }, done);
          !saved) {
        return fail(std::move(saved).error());
      }
    }
    progress.total_labels = done.labels;
    progress.collect_s = to_seconds(played - start);
    progress.learn_s = to_seconds(learned - played);
    progress.elapsed_s = done.seconds;
    progress.remaining_s = here_s / static_cast<double>(done.iterations - first->iterations) *
                           static_cast<double>(options.iterations - done.iterations);
    if (!progress.figures.empty()) {
      files.add(progress);
    }
    report(progress);
  }
  return learner.actor();
}

}  // namespace skerry::rl
