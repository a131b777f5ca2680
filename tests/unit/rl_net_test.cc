// The small network against a naive evaluation, and the approximate logarithms against the library's.
#include <gtest/gtest.h>

#include <cmath>

#include "common/random.h"
#include "rl/net/fast_math.h"
#include "rl/net/mlp.h"

namespace skerry::rl {
namespace {

std::vector<Layer> drawn_layers(const std::vector<std::size_t>& widths, Random& random) {
  std::vector<Layer> layers;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    Layer layer{.inputs = widths[i], .outputs = widths[i + 1], .weights = {}, .bias = {}};
    for (std::size_t k = 0; k < layer.inputs * layer.outputs; ++k) {
      layer.weights.push_back(static_cast<float>(random.normal(0, 0.5)));
    }
    for (std::size_t k = 0; k < layer.outputs; ++k) {
      layer.bias.push_back(static_cast<float>(random.normal(0, 0.5)));
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

std::vector<double> naive(const std::vector<Layer>& layers, std::vector<double> x) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    std::vector<double> y;
    for (std::size_t j = 0; j < layers[i].outputs; ++j) {
      double sum = static_cast<double>(layers[i].bias[j]);
      for (std::size_t k = 0; k < layers[i].inputs; ++k) {
        sum += static_cast<double>(layers[i].weights[j * layers[i].inputs + k]) * x[k];
      }
      y.push_back(i + 1 < layers.size() ? std::max(sum, 0.0) : sum);
    }
    x = std::move(y);
  }
  return x;
}

TEST(Mlp, AgreesWithANaiveEvaluationWhateverItsWidths) {
  Random random(1);
  for (const auto& widths : std::vector<std::vector<std::size_t>>{
           {3, 2}, {24, 32, 32, 2}, {7, 5, 3, 1}, {1, 1, 1}, {40, 64, 4}, {2, 13, 9, 6}}) {
    const std::vector<Layer> layers = drawn_layers(widths, random);
    const Mlp network(layers);
    const std::size_t lanes = 19;
    const std::size_t stride = Mlp::padded(lanes);
    std::vector<float> in(widths.front() * stride, 0);
    for (float& x : in) {
      x = static_cast<float>(random.normal(0, 1));
    }
    std::vector<float> out(widths.back() * stride);
    network.forward(in, out, stride, stride);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      std::vector<double> x;
      for (std::size_t i = 0; i < widths.front(); ++i) {
        x.push_back(static_cast<double>(in[i * stride + lane]));
      }
      const auto expected = naive(layers, x);
      for (std::size_t o = 0; o < expected.size(); ++o) {
        EXPECT_NEAR(static_cast<double>(out[o * stride + lane]), expected[o], 1e-4);
      }
    }
  }
}

TEST(Mlp, ALaneDoesNotDependOnItsNeighboursNorOnHowManyThereAre) {
  Random random(2);
  const Mlp network(drawn_layers({6, 8, 2}, random));
  std::vector<float> x(6);
  for (float& value : x) {
    value = static_cast<float>(random.normal(0, 1));
  }
  std::vector<float> first;
  for (const std::size_t stride : {16, 32, 160}) {
    std::vector<float> in(6 * stride, 3.5f);
    std::vector<float> out(2 * stride);
    const std::size_t lane = stride - 5;
    for (std::size_t i = 0; i < 6; ++i) {
      in[i * stride + lane] = x[i];
    }
    network.forward(in, out, stride, stride);
    const std::vector<float> here = {out[lane], out[stride + lane]};
    first = first.empty() ? here : first;
    EXPECT_EQ(here, first);
  }
}

TEST(FastMath, LogarithmsAreGoodToFourDigits) {
  for (double x = 1e-30; x < 1e30; x *= 1.07) {
    EXPECT_NEAR(static_cast<double>(fast_log2(static_cast<float>(x))), std::log2(x), 3e-5);
  }
  // The tail of an exponential is drawn by it: never of the wrong sign.
  for (int i = 1; i < 1000; ++i) {
    EXPECT_LT(fast_log2(1 - static_cast<float>(i) * 0x1p-24f), 0);
  }
  for (double x = 0; x < 1e6; x = x * 1.3 + 0.01) {
    EXPECT_NEAR(static_cast<double>(fast_log1p(static_cast<float>(x))), std::log1p(x), 3e-5);
  }
}

}  // namespace
}  // namespace skerry::rl
