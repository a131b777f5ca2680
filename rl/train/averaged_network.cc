#include "rl/train/averaged_network.h"

#include <algorithm>
#include <utility>

namespace skerry::rl {

AveragedNetwork::AveragedNetwork(std::shared_ptr<Network> network, const AverageOptions& options)
    : network_(std::move(network)), options_(options), optimizer_(network_->parameters()) {
  for (const torch::Tensor& weight : network_->parameters()) {
    averages_.push_back(weight.detach().clone());
  }
}

void AveragedNetwork::step(const torch::Tensor& loss, double rate) {
  for (auto& group : optimizer_.param_groups()) {
    static_cast<torch::optim::AdamOptions&>(group.options()).lr(rate);
  }
  optimizer_.zero_grad();
  loss.backward();
  torch::nn::utils::clip_grad_norm_(network_->parameters(), options_.gradient_limit);
  optimizer_.step();
  average();
}

// The average forgets its start: a step weighs at least as much as in a plain mean over a tenth of
// what was seen.
void AveragedNetwork::average() {
  ++steps_;
  const double decay = std::min(options_.decay, steps_ / (steps_ + 9));
  const torch::NoGradGuard constant;
  const auto weights = network_->parameters();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    averages_[i].mul_(decay).add_(weights[i].detach(), 1 - decay);
  }
}

Status AveragedNetwork::save(const std::string& path) const {
  try {
    torch::serialize::OutputArchive archive, network, optimizer;
    network_->save(network);
    archive.write("network", network);
    optimizer_.save(optimizer);
    archive.write("optimizer", optimizer);
    for (std::size_t i = 0; i < averages_.size(); ++i) {
      archive.write(fmt::format("average{}", i), averages_[i]);
    }
    archive.write("steps", torch::tensor(steps_, torch::kDouble));
    archive.save_to(path);
    return {};
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::kIo,
                fmt::format("cannot write the checkpoint {}: {}", path, thrown.what()));
  }
}

Status AveragedNetwork::load(const std::string& path, const torch::Device& device) {
  try {
    torch::serialize::InputArchive archive, network, optimizer;
    archive.load_from(path, device);
    archive.read("network", network);
    network_->load(network);
    archive.read("optimizer", optimizer);
    optimizer_.load(optimizer);
    const torch::NoGradGuard constant;
    for (std::size_t i = 0; i < averages_.size(); ++i) {
      torch::Tensor average;
      archive.read(fmt::format("average{}", i), average);
      averages_[i].copy_(average);
    }
    torch::Tensor steps;
    archive.read("steps", steps);
    steps_ = steps.item<double>();
    return {};
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("cannot read the checkpoint {}: {}", path, thrown.what()));
  }
}

}  // namespace skerry::rl
