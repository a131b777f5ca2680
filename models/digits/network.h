// network.h: a small convolutional network described as data, run in C++ for training and written
// as TorchScript.
//
// Every stage is a 3 x 3 convolution (padding 1), a GroupNorm, a ReLU and, if it pools, a 2 x 2
// maximum; a linear layer turns what is left into ten scores. GroupNorm and not BatchNorm, because
// it treats a single image as training treated a batch, and needs no state. Only network.cc and
// train.cc include libtorch.

#pragma once

#include <ATen/core/ivalue.h>
// ivalue.h comes first: Clang wants its templates complete before the rest of libtorch uses them.
#include <torch/torch.h>

#include <string>
#include <vector>

#include "common/random.h"

namespace skerry::digits {

struct Stage {
  int channels = 0;
  int groups = 1;
  int stride = 1;
  bool pools = false;
};

struct Plan {
  std::string name;
  std::vector<Stage> stages;
  int epochs = 0;
};

class Network {
 public:
  // He initialisation from random, so that a seed gives the same start with every version of
  // libtorch.
  Network(const Plan& plan, Random random);

  // images: [n, 1, 20, 20], normalised; returns [n, 10] scores (logits).
  torch::Tensor forward(const torch::Tensor& images) const;
  std::vector<torch::Tensor> parameters() const;
  std::int64_t multiply_adds() const;  // of one forward of one image
  // Writes a TorchScript file that computes the same from the same parameters.
  void save(const std::string& path) const;

 private:
  std::string source() const;  // of the TorchScript forward

  Plan plan_;
  std::vector<std::pair<std::string, torch::Tensor>>
      parameters_;  // per stage weight, bias, scale, shift; then the linear
};

}  // namespace skerry::digits
