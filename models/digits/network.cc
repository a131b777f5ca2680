#include "models/digits/network.h"

#include <fmt/format.h>
#include <torch/script.h>

#include <cmath>

#include "models/digits/sheet.h"

namespace skerry::digits {

namespace {

constexpr int kKernel = 3;
constexpr std::size_t kPerStage = 4;  // parameters

torch::Tensor he_normal(std::vector<std::int64_t> shape, std::int64_t fan_in, Random& random) {
  torch::Tensor tensor = torch::empty(shape);
  const double deviation = std::sqrt(2.0 / static_cast<double>(fan_in));
  auto* values = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    values[i] = static_cast<float>(random.normal(0, deviation));
  }
  return tensor;
}

int side_after(const Stage& stage, int side) {
  const int convolved = (side + stage.stride - 1) / stage.stride;
  return stage.pools ? convolved / 2 : convolved;
}

}  // namespace

Network::Network(const Plan& plan, Random random) : plan_(plan) {
  int channels = 1;
  int side = kSide;
  for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
    const Stage& stage = plan_.stages[i];
    const int fan_in = channels * kKernel * kKernel;
    parameters_.emplace_back(
        fmt::format("weight{}", i),
        he_normal({stage.channels, channels, kKernel, kKernel}, fan_in, random));
    parameters_.emplace_back(fmt::format("bias{}", i), torch::zeros({stage.channels}));
    parameters_.emplace_back(fmt::format("scale{}", i), torch::ones({stage.channels}));
    parameters_.emplace_back(fmt::format("shift{}", i), torch::zeros({stage.channels}));
    channels = stage.channels;
    side = side_after(stage, side);
  }
  const int features = channels * side * side;
  parameters_.emplace_back("linear_weight", he_normal({kClasses, features}, features, random));
  parameters_.emplace_back("linear_bias", torch::zeros({kClasses}));
  for (auto& [name, tensor] : parameters_) {
    tensor.set_requires_grad(true);
  }
}

torch::Tensor Network::forward(const torch::Tensor& images) const {
  torch::Tensor x = images;
  std::size_t at = 0;
  for (const Stage& stage : plan_.stages) {
    x = torch::conv2d(x, parameters_[at].second, parameters_[at + 1].second, stage.stride,
                      kKernel / 2);
    x = torch::relu(
        torch::group_norm(x, stage.groups, parameters_[at + 2].second, parameters_[at + 3].second));
    if (stage.pools) {
      x = torch::max_pool2d(x, 2);
    }
    at += kPerStage;
  }
  return torch::linear(x.flatten(1), parameters_[at].second, parameters_[at + 1].second);
}

// The same, line by line, as the language of TorchScript has it.
std::string Network::source() const {
  std::string text = "def forward(self, x: Tensor) -> Tensor:\n";
  for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
    const Stage& stage = plan_.stages[i];
    text +=
        fmt::format("    x = torch.conv2d(x, self.weight{0}, self.bias{0}, [{1}, {1}], [1, 1])\n",
                    i, stage.stride);
    text +=
        fmt::format("    x = torch.relu(torch.group_norm(x, {1}, self.scale{0}, self.shift{0}))\n",
                    i, stage.groups);
    if (stage.pools) {
      text += "    x = torch.max_pool2d(x, [2, 2])\n";
    }
  }
  text += "    x = torch.flatten(x, 1)\n";
  return text + "    return torch.addmm(self.linear_bias, x, self.linear_weight.t())\n";
}

std::vector<torch::Tensor> Network::parameters() const {
  std::vector<torch::Tensor> tensors;
  for (const auto& [name, tensor] : parameters_) {
    tensors.push_back(tensor);
  }
  return tensors;
}

std::int64_t Network::multiply_adds() const {
  std::int64_t total = 0;
  int channels = 1;
  int side = kSide;
  for (const Stage& stage : plan_.stages) {
    const int convolved = (side + stage.stride - 1) / stage.stride;
    total += std::int64_t{convolved} * convolved * kKernel * kKernel * channels * stage.channels;
    channels = stage.channels;
    side = side_after(stage, side);
  }
  return total + std::int64_t{channels} * side * side * kClasses;
}

void Network::save(const std::string& path) const {
  const torch::NoGradGuard no_gradients;  // the copies are constants
  torch::jit::Module module("digits");
  for (const auto& [name, tensor] : parameters_) {
    module.register_parameter(name, tensor.clone(), false);
  }
  module.define(source());
  module.eval();
  module.save(path);
}

}  // namespace skerry::digits
