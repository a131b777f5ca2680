#include "rl/train/averaged_network.h"
// averaged_network.h comes first, since it includes libtorch.
#include <algorithm>

#include "common/check.h"
#include "rl/train/learner.h"

namespace skerry::rl {

namespace {

constexpr double kNever = 1e4;  // the price of an action that a label does not have

}  // namespace

struct Learner::State {
  LearnerOptions options;
  torch::Device device;
  std::unique_ptr<AveragedNetwork> network;

  explicit State(LearnerOptions given) : options(std::move(given)), device(options.device) {
    torch::manual_seed(options.seed);
    torch::set_num_threads(static_cast<int>(options.threads));
    auto first =
        std::make_shared<Network>(options.shape.features, options.hidden, options.shape.outputs);
    first->to(device);
    network = std::make_unique<AveragedNetwork>(
        std::move(first),
        AverageOptions{.decay = options.average_decay, .gradient_limit = options.gradient_limit});
  }

  double step(const Labels& labels, const LearnerSchedule& schedule, Random& random);
};

double Learner::State::step(const Labels& labels, const LearnerSchedule& schedule, Random& random) {
  const LabelShape& shape = options.shape;
  std::vector<std::size_t> rows(options.batch);
  for (std::size_t& row : rows) {
    row = random.below(labels.size());
  }
  const auto actions = static_cast<std::int64_t>(shape.actions);
  const torch::Tensor features =
      picked(labels.features, rows, shape.actions * shape.features)
          .to(device)
          .reshape({-1, actions, static_cast<std::int64_t>(shape.features)});
  const torch::Tensor coefficients =
      picked(labels.coefficients, rows, shape.actions * shape.outputs)
          .to(device)
          .reshape({-1, actions, static_cast<std::int64_t>(shape.outputs)});
  torch::Tensor base = picked(labels.base, rows, shape.actions);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    float* prices = base.data_ptr<float>() + i * shape.actions;
    std::fill(prices + labels.counts[rows[i]], prices + shape.actions, static_cast<float>(kNever));
  }
  const torch::Tensor costs = picked(labels.costs, rows, shape.actions).to(device);
  const torch::Tensor prices = base.to(device) + (coefficients * network->forward(features)).sum(2);
  torch::Tensor loss = torch::zeros({}, device);
  for (const double temperature : schedule.temperatures) {
    loss = loss + (torch::softmax(-prices / temperature, 1) * costs).sum(1).mean();
  }
  loss = loss / static_cast<double>(schedule.temperatures.size());
  network->step(loss, schedule.rate);
  return loss.item<double>();
}

Learner::Learner(LearnerOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Learner::~Learner() = default;

double Learner::learn(const Labels& labels, std::size_t steps, const LearnerSchedule& schedule,
                      Random random) {
  check(labels.size() > 0 && steps > 0, "there is something to learn");
  double sum = 0;
  for (std::size_t step = 0; step < steps; ++step) {
    sum += state_->step(labels, schedule, random);
  }
  return sum / static_cast<double>(steps);
}

Mlp Learner::current() const { return state_->network->current(); }
Mlp Learner::averaged() const { return state_->network->averaged(); }

Status Learner::save(const std::string& path) const { return state_->network->save(path); }
Status Learner::load(const std::string& path) {
  return state_->network->load(path, state_->device);
}

}  // namespace skerry::rl
