// learned_bundle.h: tiny policy bundles for tests: random weights, or ones that do harm.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/random.h"
#include "rl/bundle/bundle.h"
#include "rl/fleet/view.h"

namespace skerry::rl::testing {

// Features -> hidden... -> outputs. Small weights: the shadow prices stay of the order of the costs.
inline Mlp random_network(std::uint64_t seed, std::vector<std::size_t> hidden = {8}) {
  Random random(seed);
  std::vector<Layer> layers;
  std::size_t inputs = fleet::kFeatures;
  hidden.push_back(fleet::kOutputs);
  for (const std::size_t outputs : hidden) {
    Layer layer{.inputs = inputs, .outputs = outputs, .weights = {}, .bias = {}};
    for (std::size_t i = 0; i < inputs * outputs; ++i) {
      layer.weights.push_back(static_cast<float>(random.uniform(-0.3, 0.3)));
    }
    for (std::size_t i = 0; i < outputs; ++i) {
      layer.bias.push_back(static_cast<float>(random.uniform(-0.3, 0.3)));
    }
    layers.push_back(std::move(layer));
    inputs = outputs;
  }
  return Mlp(std::move(layers));
}

inline Bundle tiny_bundle(std::string name = "tiny", std::uint64_t seed = 1) {
  return {.name = std::move(name),
          .problem = "fleet",
          .features = std::string(fleet::kFeatureSchema),
          .network = random_network(seed),
          .training = {{"seed", seed}},
          .card = {{"ahead_of_greedy", false}}};
}

}  // namespace skerry::rl::testing
