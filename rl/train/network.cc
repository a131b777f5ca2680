#include "rl/train/network.h"

namespace skerry::rl {

Network::Network(std::size_t inputs, const std::vector<std::size_t>& hidden, std::size_t outputs) {
  std::size_t width = inputs;
  for (const std::size_t next : hidden) {
    add(width, next);
    width = next;
  }
  add(width, outputs);
  const torch::NoGradGuard constant;
  layers_.back()->weight.zero_();
  layers_.back()->bias.zero_();
}

torch::Tensor Network::forward(torch::Tensor x) {
  for (std::size_t i = 0; i + 1 < layers_.size(); ++i) {
    x = torch::relu(layers_[i](x));
  }
  return layers_.back()(x);
}

void Network::ignore_first(std::size_t inputs) {
  const torch::NoGradGuard constant;
  layers_.front()->weight.slice(1, 0, static_cast<std::int64_t>(inputs)).zero_();
}

void Network::add(std::size_t inputs, std::size_t outputs) {
  layers_.push_back(register_module(
      fmt::format("layer{}", layers_.size()),
      torch::nn::Linear(static_cast<std::int64_t>(inputs), static_cast<std::int64_t>(outputs))));
}

Mlp as_mlp(const std::vector<torch::Tensor>& weights) {
  std::vector<Layer> layers;
  for (std::size_t i = 0; i + 1 < weights.size(); i += 2) {
    const torch::Tensor matrix = weights[i].detach().cpu().contiguous();
    const torch::Tensor bias = weights[i + 1].detach().cpu().contiguous();
    Layer layer{.inputs = static_cast<std::size_t>(matrix.size(1)),
                .outputs = static_cast<std::size_t>(matrix.size(0)),
                .weights = {},
                .bias = {}};
    layer.weights.assign(matrix.data_ptr<float>(), matrix.data_ptr<float>() + matrix.numel());
    layer.bias.assign(bias.data_ptr<float>(), bias.data_ptr<float>() + bias.numel());
    layers.push_back(std::move(layer));
  }
  return Mlp(std::move(layers));
}

torch::Tensor picked(const std::vector<float>& table, const std::vector<std::size_t>& rows,
                     std::size_t width) {
  torch::Tensor result =
      torch::empty({static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(width)});
  float* to = result.data_ptr<float>();
  for (const std::size_t row : rows) {
    std::copy_n(table.begin() + static_cast<std::ptrdiff_t>(row * width), width, to);
    to += width;
  }
  return result;
}

}  // namespace skerry::rl
