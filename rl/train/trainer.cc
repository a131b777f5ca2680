#include "rl/train/trainer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <numbers>

#include "rl/problem/parallel.h"
#include "rl/train/run_files.h"

namespace skerry::rl {

namespace {

LearnerSchedule schedule_at(double progress, const TrainOptions& options) {
  constexpr double kLeastRate = 0.003;  // of the peak
  constexpr double kColdFrom = 0.75;
  const double cosine = 0.5 + 0.5 * std::cos(std::numbers::pi * progress);
  const double temperature =
      options.hot * std::pow(options.cold / options.hot, std::min(1.0, progress / kColdFrom));
  LearnerSchedule schedule{.rate = options.peak_rate * std::max(cosine, kLeastRate),
                           .temperatures = {}};
  for (const double share : options.mixed) {
    schedule.temperatures.push_back(share * temperature);
  }
  return schedule;
}

Labels collect_all(const Problem& problem, const Mlp& network, const TrainOptions& options,
                   Random random) {
  std::vector<std::uint64_t> seeds(options.contexts);
  for (std::uint64_t& seed : seeds) {
    seed = random.next_u64();
  }
  std::vector<Labels> parts(options.contexts);
  parallel_for(options.contexts, options.threads,
               [&](std::size_t i) { parts[i] = problem.collect(network, seeds[i]); });
  Labels all{.shape = problem.shape()};
  for (const Labels& part : parts) {
    all.append(part);
  }
  return all;
}

std::vector<Figure> probe_all(const Problem& problem, const Mlp& network, std::size_t threads) {
  std::vector<Figure> figures(problem.figures().size());
  parallel_for(figures.size(), threads,
               [&](std::size_t i) { figures[i] = problem.probe(network, i); });
  return figures;
}

}  // namespace

Result<Mlp> train(const Problem& problem, LearnerOptions learner_options,
                  const TrainOptions& options, Clock& clock,
                  const std::function<void(const TrainProgress&)>& report) {
  learner_options.shape = problem.shape();
  learner_options.seed = options.seed;
  Learner learner(learner_options);
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
  std::deque<Labels> memory;
  for (std::size_t iteration = first->iterations; iteration < options.iterations; ++iteration) {
    const Random random = root.fork(fmt::format("iteration {}", iteration));
    const Instant start = clock.now();
    memory.push_back(collect_all(problem, learner.current(), options, random.fork("contexts")));
    TrainProgress progress{.iteration = iteration + 1,
                           .labels = memory.back().size(),
                           .steps = memory.back().steps,
                           .figures = {}};
    const Instant collected = clock.now();
    if (memory.size() > options.remembered) {
      memory.pop_front();
    }
    Labels all{.shape = problem.shape()};
    for (const Labels& part : memory) {
      all.append(part);
    }
    const auto steps =
        static_cast<std::size_t>(options.passes * static_cast<double>(progress.labels) /
                                 static_cast<double>(learner_options.batch)) +
        1;
    const double share = static_cast<double>(iteration) / static_cast<double>(options.iterations);
    progress.loss = learner.learn(all, steps, schedule_at(share, options), random.fork("batches"));
    const Instant learned = clock.now();
    const bool last = iteration + 1 == options.iterations;
    if (last || (iteration + 1) % options.probe_every == 0) {
      progress.figures = probe_all(problem, learner.averaged(), options.threads);
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
    progress.collect_s = to_seconds(collected - start);
    progress.learn_s = to_seconds(learned - collected);
    progress.elapsed_s = done.seconds;
    progress.remaining_s = here_s / static_cast<double>(done.iterations - first->iterations) *
                           static_cast<double>(options.iterations - done.iterations);
    if (!progress.figures.empty()) {
      files.add(progress);
    }
    report(progress);
  }
  return learner.averaged();
}

}  // namespace skerry::rl
