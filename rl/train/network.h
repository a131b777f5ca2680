// network.h: the scorer in libtorch, and the way of its weights to the evaluator of rl/net. Includes
// libtorch, so that only sources of rl/train include this, and first of all.

#pragma once

// ivalue.h comes first: Clang wants its templates complete before the rest of libtorch uses them.
#include <ATen/core/ivalue.h>
// The line above stands alone so that it stays there.
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "rl/net/mlp.h"

namespace skerry::rl {

// Linear layers with ReLU between them; the last one starts at 0, so that at first all prices are
// those of the exact model.
class Network : public torch::nn::Module {
 public:
  Network(std::size_t inputs, const std::vector<std::size_t>& hidden, std::size_t outputs);
  torch::Tensor forward(torch::Tensor x);  // [..., inputs] -> [..., outputs]
  // The first layer does not look at the first so many inputs; it never learns to, if they are 0
  // while it learns.
  void ignore_first(std::size_t inputs);

 private:
  void add(std::size_t inputs, std::size_t outputs);
  std::vector<torch::nn::Linear> layers_;
};

// Weights alternate: a layer's matrix, then its bias.
Mlp as_mlp(const std::vector<torch::Tensor>& weights);

// Rows of a table, picked by index, as a tensor of [rows, width] on the processor.
torch::Tensor picked(const std::vector<float>& table, const std::vector<std::size_t>& rows,
                     std::size_t width);

}  // namespace skerry::rl
