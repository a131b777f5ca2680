#include "rl/train/averaged_network.h"
// averaged_network.h comes first, since it includes libtorch.
#include <algorithm>
#include <cmath>
#include <utility>

#include "rl/train/contexts.h"
#include "rl/train/episode_trainer.h"
#include "rl/train/run.h"

namespace skerry::rl {

namespace {

// One shift to both sides: the decisions that were met, and where each output should go.
struct Pair {
  std::vector<float> seen;      // [decision][feature]
  std::vector<float> gradient;  // by output; the same for all its decisions
  std::size_t decisions = 0;
  double ratio = 0;  // logarithm, cut off
};

AveragedNetwork make_network(const Episodic& episodic, const LearnerOptions& options) {
  const LabelShape shape = episodic.trial_shape();
  torch::manual_seed(options.seed);
  torch::set_num_threads(static_cast<int>(options.threads));
  auto network = std::make_shared<Network>(shape.features, options.hidden, shape.outputs);
  network->ignore_first(shape.features - episodic.shared_features());
  network->to(torch::Device(options.device));
  return {std::move(network),
          {.decay = options.average_decay, .gradient_limit = options.gradient_limit}};
}

Pair play_pair(const Episodic& episodic, const Mlp& network, const EpisodeOptions& options,
               std::uint64_t seed) {
  const LabelShape shape = episodic.trial_shape();
  Random random = Random(seed).fork("shift");
  std::vector<float> shift(shape.outputs);
  for (float& value : shift) {
    value = static_cast<float>(random.normal(0, options.spread));
  }
  Trial up = episodic.play_shifted(network, shift, seed);
  for (float& value : shift) {
    value = -value;
  }
  const Trial down = episodic.play_shifted(network, shift, seed);
  Pair pair{.seen = std::move(up.seen), .gradient = {}};
  pair.seen.insert(pair.seen.end(), down.seen.begin(), down.seen.end());
  pair.decisions = pair.seen.size() / shape.features;
  pair.ratio = std::clamp(std::log(up.cost / down.cost), -options.most_ratio, options.most_ratio);
  for (const float value : shift) {  // of the way down
    pair.gradient.push_back(static_cast<float>(-pair.ratio / 2 * static_cast<double>(value) /
                                               (options.spread * options.spread)));
  }
  return pair;
}

// Its gradient is the mean of the pairs' own.
torch::Tensor loss_of(AveragedNetwork& network, const Episodic& episodic,
                      const std::vector<Pair>& pairs, const torch::Device& device) {
  const LabelShape shape = episodic.trial_shape();
  std::vector<float> seen;
  std::vector<float> gradients;
  for (const Pair& pair : pairs) {
    seen.insert(seen.end(), pair.seen.begin(), pair.seen.end());
    const auto share = static_cast<float>(pair.decisions * pairs.size());
    for (std::size_t i = 0; i < pair.decisions; ++i) {
      for (const float gradient : pair.gradient) {
        gradients.push_back(gradient / share);
      }
    }
  }
  const auto features = static_cast<std::int64_t>(shape.features);
  const auto outputs = static_cast<std::int64_t>(shape.outputs);
  const auto rows = static_cast<std::int64_t>(gradients.size() / shape.outputs);
  torch::Tensor x = torch::from_blob(seen.data(), {rows, features}).clone();
  x.slice(1, 0, features - static_cast<std::int64_t>(episodic.shared_features())).zero_();
  const torch::Tensor g = torch::from_blob(gradients.data(), {rows, outputs}).clone();
  return (network.forward(x.to(device)) * g.to(device)).sum();
}

}  // namespace

Result<Mlp> train_episodes(const Episodic& episodic, const Problem& problem,
                           const LearnerOptions& learner, const EpisodeOptions& episodes,
                           const TrainOptions& options, Clock& clock,
                           const std::function<void(const TrainProgress&)>& report) {
  LearnerOptions seeded = learner;
  seeded.seed = options.seed;
  const torch::Device device(learner.device);
  AveragedNetwork network = make_network(episodic, seeded);
  Run run(problem, options, clock, report);
  const auto first = run.begin([&](const std::string& path) { return network.load(path, device); });
  if (!first) {
    return fail(first.error());
  }
  const Random root(options.seed);
  for (std::size_t iteration = *first; iteration < options.iterations; ++iteration) {
    const Random random = root.fork(fmt::format("iteration {}", iteration));
    const Instant start = clock.now();
    const Mlp acting = network.current();
    const auto pairs = in_all_contexts(options, random.fork("contexts"), [&](std::uint64_t seed) {
      return play_pair(episodic, acting, episodes, seed);
    });
    const Instant played = clock.now();
    TrainProgress progress{.iteration = iteration + 1, .labels = pairs.size(), .figures = {}};
    for (const Pair& pair : pairs) {  // how far apart the two sides are
      progress.loss += std::abs(pair.ratio) / static_cast<double>(pairs.size());
    }
    const double share = static_cast<double>(iteration) / static_cast<double>(options.iterations);
    network.step(loss_of(network, episodic, pairs, device), rate_at(share, options));
    progress.collect_s = to_seconds(played - start);
    progress.learn_s = to_seconds(clock.now() - played);
    auto ended = run.end(
        std::move(progress), [&] { return network.averaged(); },
        [&](const std::string& path) { return network.save(path); });
    if (!ended) {
      return fail(std::move(ended).error());
    }
  }
  return network.averaged();
}

Result<Mlp> network_of_episodes(const Episodic& episodic, const LearnerOptions& learner,
                                const std::string& checkpoint) {
  AveragedNetwork network = make_network(episodic, learner);
  auto loaded = network.load(checkpoint, torch::Device(learner.device));
  return loaded ? Result<Mlp>(network.averaged()) : fail(std::move(loaded).error());
}

}  // namespace skerry::rl
