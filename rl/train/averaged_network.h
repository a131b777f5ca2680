// averaged_network.h: the scorer while it learns: weights, their running average, the optimizer, and the
// checkpoint of all three. Includes libtorch: see network.h.

#pragma once

#include "rl/train/network.h"
// network.h comes first, since it includes libtorch.
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"

namespace skerry::rl {

struct AverageOptions {
  double decay = 0.998;       // per step
  double gradient_limit = 1;  // of its norm
};

class AveragedNetwork {
 public:
  AveragedNetwork(std::shared_ptr<Network> network, const AverageOptions& options);

  torch::Tensor forward(const torch::Tensor& x) { return network_->forward(x); }
  // One step of Adam down the loss.
  void step(const torch::Tensor& loss, double rate);

  Mlp current() const { return as_mlp(network_->parameters()); }
  Mlp averaged() const { return as_mlp(averages_); }
  // kIo; kCorrupt.
  Status save(const std::string& path) const;
  Status load(const std::string& path, const torch::Device& device);

 private:
  void average();

  std::shared_ptr<Network> network_;
  AverageOptions options_;
  std::vector<torch::Tensor> averages_;
  torch::optim::Adam optimizer_;
  double steps_ = 0;
};

}  // namespace skerry::rl
