// mlp.h: a small fully connected network with ReLU between its layers, evaluated for many lanes
// (candidates) at once.
//
// The same code scores in the controller, in rollouts and in evaluation; training computes the same
// function in libtorch and hands its weights over. Evaluation allocates nothing, and on one machine always adds in the same order, so that it is deterministic.

#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace skerry::rl {

struct Layer {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::vector<float> weights;  // [output][input]
  std::vector<float> bias;     // [output]
};

class Mlp {
 public:
  static constexpr std::size_t kBlock = 16;  // lanes are evaluated in blocks of so many

  Mlp() = default;
  explicit Mlp(std::vector<Layer> layers);  // each takes what the one before yields

  std::size_t inputs() const { return layers_.front().inputs; }
  std::size_t outputs() const { return layers_.back().outputs; }
  const std::vector<Layer>& layers() const { return layers_; }

  // A lane count rounded up to whole blocks: what the buffers below must hold a row.
  static std::size_t padded(std::size_t lanes) { return (lanes + kBlock - 1) / kBlock * kBlock; }

  // in: [inputs][stride], out: [outputs][stride], of which the first `lanes` lanes are evaluated;
  // both are padded counts. Lanes beyond the real ones must hold some numbers.
  void forward(std::span<const float> in, std::span<float> out, std::size_t stride,
               std::size_t lanes) const;

 private:
  std::vector<Layer> layers_;
};

}  // namespace skerry::rl
