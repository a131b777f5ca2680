#include "rl/net/mlp.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/check.h"
#include "rl/net/all_levels.h"

namespace skerry::rl {

namespace {

constexpr std::size_t kWidest = 256;

// A block's lanes as one value; what a processor cannot hold in one register the compiler splits.
// Only ever a local variable: as an argument its calling convention would depend on the processor.
using Lanes = float __attribute__((vector_size(Mlp::kBlock * sizeof(float))));

// One layer for one block: `in` is [inputs][in_stride], `out` is [outputs][kBlock]. Four outputs at
// a time share the loads of their inputs.
template <bool kRelu>
[[gnu::always_inline]] inline void run_layer(const Layer& layer, const float* in,
                                             std::size_t in_stride, float* out,
                                             std::size_t out_stride) {
  const std::size_t inputs = layer.inputs;
  const float* weights = layer.weights.data();
  std::size_t j = 0;
  for (; j + 4 <= layer.outputs; j += 4) {
    Lanes sum0 = Lanes{} + layer.bias[j], sum1 = Lanes{} + layer.bias[j + 1];
    Lanes sum2 = Lanes{} + layer.bias[j + 2], sum3 = Lanes{} + layer.bias[j + 3];
    const float* w = weights + j * inputs;
    for (std::size_t i = 0; i < inputs; ++i) {
      Lanes x;
      __builtin_memcpy(&x, in + i * in_stride, sizeof(x));
      sum0 += x * w[i];
      sum1 += x * w[i + inputs];
      sum2 += x * w[i + 2 * inputs];
      sum3 += x * w[i + 3 * inputs];
    }
    const Lanes zero{};
    sum0 = kRelu ? (sum0 > zero ? sum0 : zero) : sum0;
    __builtin_memcpy(out + j * out_stride, &sum0, sizeof(sum0));
    sum1 = kRelu ? (sum1 > zero ? sum1 : zero) : sum1;
    __builtin_memcpy(out + (j + 1) * out_stride, &sum1, sizeof(sum1));
    sum2 = kRelu ? (sum2 > zero ? sum2 : zero) : sum2;
    __builtin_memcpy(out + (j + 2) * out_stride, &sum2, sizeof(sum2));
    sum3 = kRelu ? (sum3 > zero ? sum3 : zero) : sum3;
    __builtin_memcpy(out + (j + 3) * out_stride, &sum3, sizeof(sum3));
  }
  for (; j < layer.outputs; ++j) {
    Lanes sum = Lanes{} + layer.bias[j];
    for (std::size_t i = 0; i < inputs; ++i) {
      Lanes x;
      __builtin_memcpy(&x, in + i * in_stride, sizeof(x));
      sum += x * weights[j * inputs + i];
    }
    const Lanes zero{};
    sum = kRelu ? (sum > zero ? sum : zero) : sum;
    __builtin_memcpy(out + j * out_stride, &sum, sizeof(sum));
  }
}

SKERRY_ALL_LEVELS void run_block(const Layer* layers, std::size_t count, const float* in,
                                 float* out, std::size_t stride) {
  alignas(64) float even[kWidest * Mlp::kBlock];
  alignas(64) float odd[kWidest * Mlp::kBlock];
  const float* from = in;
  std::size_t from_stride = stride;
  for (std::size_t layer = 0; layer + 1 < count; ++layer) {
    float* to = layer % 2 == 0 ? even : odd;
    run_layer<true>(layers[layer], from, from_stride, to, Mlp::kBlock);
    from = to;
    from_stride = Mlp::kBlock;
  }
  run_layer<false>(layers[count - 1], from, from_stride, out, stride);
}

}  // namespace

Mlp::Mlp(std::vector<Layer> layers) : layers_(std::move(layers)) {
  check(!layers_.empty(), "a network has a layer");
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    check(
        layer.weights.size() == layer.inputs * layer.outputs && layer.bias.size() == layer.outputs,
        "a layer has as many weights as it says");
    check(i == 0 || layer.inputs == layers_[i - 1].outputs,
          "a layer takes what the one before yields");
    check(layer.outputs <= kWidest, "layers are narrow");
  }
}

void Mlp::forward(std::span<const float> in, std::span<float> out, std::size_t stride,
                  std::size_t count) const {
  check(stride % kBlock == 0 && count % kBlock == 0 && count <= stride &&
            in.size() >= inputs() * stride && out.size() >= outputs() * stride,
        "buffers hold whole blocks of lanes");
  for (std::size_t lane = 0; lane < count; lane += kBlock) {
    run_block(layers_.data(), layers_.size(), in.data() + lane, out.data() + lane, stride);
  }
}

}  // namespace skerry::rl
