#include "rl/train/network.h"
// network.h comes first, since it includes libtorch.
#include <algorithm>
#include <cmath>

#include "common/check.h"
#include "rl/train/learner.h"

namespace skerry::rl {

namespace {

constexpr double kNever = 1e4;  // the price of an action that a label does not have

}  // namespace

struct Learner::State {
  LearnerOptions options;
  torch::Device device;
  std::shared_ptr<Network> network;
  std::vector<torch::Tensor> averages;
  std::unique_ptr<torch::optim::Adam> optimizer;
  double steps = 0;

  explicit State(LearnerOptions given) : options(std::move(given)), device(options.device) {
    torch::manual_seed(options.seed);
    torch::set_num_threads(static_cast<int>(options.threads));
    network =
        std::make_shared<Network>(options.shape.features, options.hidden, options.shape.outputs);
    network->to(device);
    optimizer = std::make_unique<torch::optim::Adam>(network->parameters());
    for (const torch::Tensor& weight : network->parameters()) {
      averages.push_back(weight.detach().clone());
    }
  }

  double step(const Labels& labels, const LearnerSchedule& schedule, Random& random);
  void average();
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
  optimizer->zero_grad();
  loss.backward();
  torch::nn::utils::clip_grad_norm_(network->parameters(), options.gradient_limit);
  optimizer->step();
  average();
  return loss.item<double>();
}

// The average forgets its start: a step weighs at least as much as in a plain mean over a tenth of
// what was seen.
void Learner::State::average() {
  ++steps;
  const double decay = std::min(options.average_decay, steps / (steps + 9));
  const torch::NoGradGuard constant;
  const auto weights = network->parameters();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    averages[i].mul_(decay).add_(weights[i].detach(), 1 - decay);
  }
}

Learner::Learner(LearnerOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Learner::~Learner() = default;

double Learner::learn(const Labels& labels, std::size_t steps, const LearnerSchedule& schedule,
                      Random random) {
  check(labels.size() > 0 && steps > 0, "there is something to learn");
  for (auto& group : state_->optimizer->param_groups()) {
    static_cast<torch::optim::AdamOptions&>(group.options()).lr(schedule.rate);
  }
  double sum = 0;
  for (std::size_t step = 0; step < steps; ++step) {
    sum += state_->step(labels, schedule, random);
  }
  return sum / static_cast<double>(steps);
}

Mlp Learner::current() const { return as_mlp(state_->network->parameters()); }
Mlp Learner::averaged() const { return as_mlp(state_->averages); }

Status Learner::save(const std::string& path) const {
  try {
    torch::serialize::OutputArchive archive, network, optimizer;
    state_->network->save(network);
    archive.write("network", network);
    state_->optimizer->save(optimizer);
    archive.write("optimizer", optimizer);
    for (std::size_t i = 0; i < state_->averages.size(); ++i) {
      archive.write(fmt::format("average{}", i), state_->averages[i]);
    }
    archive.write("steps", torch::tensor(state_->steps, torch::kDouble));
    archive.save_to(path);
    return {};
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::kIo,
                fmt::format("cannot write the checkpoint {}: {}", path, thrown.what()));
  }
}

Status Learner::load(const std::string& path) {
  try {
    torch::serialize::InputArchive archive, network, optimizer;
    archive.load_from(path, state_->device);
    archive.read("network", network);
    state_->network->load(network);
    archive.read("optimizer", optimizer);
    state_->optimizer->load(optimizer);
    const torch::NoGradGuard constant;
    for (std::size_t i = 0; i < state_->averages.size(); ++i) {
      torch::Tensor average;
      archive.read(fmt::format("average{}", i), average);
      state_->averages[i].copy_(average);
    }
    torch::Tensor steps;
    archive.read("steps", steps);
    state_->steps = steps.item<double>();
    return {};
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("cannot read the checkpoint {}: {}", path, thrown.what()));
  }
}

}  // namespace skerry::rl
