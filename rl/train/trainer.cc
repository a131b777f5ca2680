#include "rl/train/trainer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <numbers>

#include "rl/train/contexts.h"
#include "rl/train/run.h"

namespace skerry::rl {

double rate_at(double share, const TrainOptions& options) {
  constexpr double kLeastRate = 0.003;  // of the peak
  const double cosine = 0.5 + 0.5 * std::cos(std::numbers::pi * share);
  return options.peak_rate * std::max(cosine, kLeastRate);
}

namespace {

LearnerSchedule schedule_at(double progress, const TrainOptions& options) {
  constexpr double kColdFrom = 0.75;
  const double temperature =
      options.hot * std::pow(options.cold / options.hot, std::min(1.0, progress / kColdFrom));
  LearnerSchedule schedule{.rate = rate_at(progress, options), .temperatures = {}};
  for (const double share : options.mixed) {
    schedule.temperatures.push_back(share * temperature);
  }
  return schedule;
}

Labels collect_all(const Problem& problem, const Mlp& network, const TrainOptions& options,
                   Random random) {
  Labels all{.shape = problem.shape()};
  for (const Labels& part : in_all_contexts(
           options, random, [&](std::uint64_t seed) { return problem.collect(network, seed); })) {
    all.append(part);
  }
  return all;
}

// The labels of the last iterations.
Labels joined(const std::deque<Labels>& memory) {
  Labels all{.shape = memory.front().shape};
  for (const Labels& part : memory) {
    all.append(part);
  }
  return all;
}

}  // namespace

Result<Mlp> train(const Problem& problem, LearnerOptions learner_options,
                  const TrainOptions& options, Clock& clock,
                  const std::function<void(const TrainProgress&)>& report) {
  learner_options.shape = problem.shape();
  learner_options.seed = options.seed;
  Learner learner(learner_options);
  Run run(problem, options, clock, report);
  const auto first = run.begin([&](const std::string& path) { return learner.load(path); });
  if (!first) {
    return fail(first.error());
  }
  const Random root(options.seed);
  std::deque<Labels> memory;
  for (std::size_t iteration = *first; iteration < options.iterations; ++iteration) {
    const Random random = root.fork(fmt::format("iteration {}", iteration));
    const Instant start = clock.now();
    memory.push_back(collect_all(problem, learner.current(), options, random.fork("contexts")));
    if (memory.size() > options.remembered) {
      memory.pop_front();
    }
    const Instant collected = clock.now();
    TrainProgress progress{.iteration = iteration + 1,
                           .labels = memory.back().size(),
                           .steps = memory.back().steps,
                           .figures = {}};
    const auto steps =
        static_cast<std::size_t>(options.passes * static_cast<double>(progress.labels) /
                                 static_cast<double>(learner_options.batch)) +
        1;
    const double share = static_cast<double>(iteration) / static_cast<double>(options.iterations);
    progress.loss =
        learner.learn(joined(memory), steps, schedule_at(share, options), random.fork("batches"));
    progress.collect_s = to_seconds(collected - start);
    progress.learn_s = to_seconds(clock.now() - collected);
    auto ended = run.end(
        std::move(progress), [&] { return learner.averaged(); },
        [&](const std::string& path) { return learner.save(path); });
    if (!ended) {
      return fail(std::move(ended).error());
    }
  }
  return learner.averaged();
}

}  // namespace skerry::rl
