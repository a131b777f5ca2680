// random_fleet.h: heterogeneous fleets, models and tasks drawn from a seed, for tests, benchmarks and
// the suite `decide`.
//
// Half of the nodes are devices, a third edge boxes, the rest cloud; speeds, power, prices and
// links are drawn from ranges like those of published devices. A model is resident on a quarter of
// the nodes, with one to three of its variants, and was measured where it is.

#pragma once

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "common/random.h"
#include "scheduler/fleet.h"
#include "scheduler/policy.h"

namespace skerry::scheduler::testing {

struct RandomFleetOptions {
  std::uint32_t nodes = 10;
  std::uint32_t models = 8;
  double resident = 0.25;  // chance that a model is resident on a node
  double busy = 0.4;       // of a node's capacity, on average
};

constexpr std::uint32_t kVariantsPerModel = 3;

// Ratios matter where figures span magnitudes, so they are drawn by their logarithm.
inline double log_uniform(Random& random, double low, double high) {
  return std::exp(random.uniform(std::log(low), std::log(high)));
}

inline NodeSpec random_node(Random& random, std::uint32_t number, std::uint32_t nodes) {
  struct Class {
    Tier tier;
    double speed[2], slots[2], busy_w[2], usd_per_hour[2], rtt_s[2], bytes_per_s[2], memory[2];
  };
  // clang-format off
  static constexpr std::array<Class, 3> kClasses = {{
      {Tier::kDevice, {0.2, 1}, {1, 3}, {4, 15}, {0, 0.01}, {1e-3, 0.01}, {2e6, 30e6}, {5e8, 4e9}},
      {Tier::kEdge, {1, 4}, {2, 9}, {60, 200}, {0.02, 0.2}, {2e-3, 0.02}, {1e7, 125e6}, {4e9, 32e9}},
      {Tier::kCloud, {4, 40}, {4, 17}, {250, 700}, {0.5, 4}, {0.02, 0.08}, {5e6, 6e7}, {16e9, 1e11}},
  }};
  // clang-format on
  const double which = random.uniform();
  const Class& c = kClasses[which < 0.5 ? 0 : which < 0.85 ? 1 : 2];
  NodeSpec spec;
  spec.name = fmt::format("node-{}", number);
  spec.tier = c.tier;
  spec.site = fmt::format("site-{}", random.below(nodes / 20 + 1));
  spec.labels["zone"] = std::string(1, static_cast<char>('a' + random.below(4)));
  if (random.chance(0.02)) {
    spec.labels["certified"] = "yes";
  }
  spec.engines = {"torch"};
  spec.slots = static_cast<std::uint32_t>(random.uniform(c.slots[0], c.slots[1]));
  spec.memory_bytes = static_cast<std::uint64_t>(log_uniform(random, c.memory[0], c.memory[1]));
  spec.speed = log_uniform(random, c.speed[0], c.speed[1]);
  spec.power.busy_w = log_uniform(random, c.busy_w[0], c.busy_w[1]);
  spec.power.idle_w = spec.power.busy_w * random.uniform(0.2, 0.5);
  spec.power.transfer_j_per_byte = random.uniform(1e-8, 1e-6);
  spec.price_usd_per_hour = random.uniform(c.usd_per_hour[0], c.usd_per_hour[1]);
  if (c.tier != Tier::kCloud && random.chance(0.4)) {
    spec.price_usd_per_hour = 0;  // the user's own
  }
  spec.rtt_s = log_uniform(random, c.rtt_s[0], c.rtt_s[1]);
  spec.bandwidth_bytes_per_s = log_uniform(random, c.bytes_per_s[0], c.bytes_per_s[1]);
  return spec;
}

inline void put_random_model(Fleet& fleet, Random& random, std::uint32_t number) {
  const Model model{.id = {number}, .name = fmt::format("model-{}", number), .engine = "torch"};
  const double reference_s = log_uniform(random, 0.5e-3, 0.1);
  double work = 1;
  double error = random.uniform(0.1, 0.2);
  std::vector<Variant> variants;
  for (std::uint32_t i = 0; i < kVariantsPerModel; ++i) {
    variants.push_back({.id = {number * kVariantsPerModel + i},
                        .model = model.id,
                        .name = fmt::format("size-{}", i),
                        .accuracy = 1 - error,
                        .reference_s = reference_s * work,
                        .artifact_bytes = static_cast<std::uint64_t>(2e6 * work),
                        .memory_bytes = static_cast<std::uint64_t>(1e7 * work)});
    work *= 5;
    error *= random.uniform(0.3, 0.8);
  }
  fleet.put_model(model, std::move(variants));
}

// Some models resident and measured, some attempts outstanding.
inline void live(Fleet& fleet, Random& random, NodeId node, const RandomFleetOptions& options) {
  std::vector<VariantId> resident;
  for (std::uint32_t model = 0; model < options.models; ++model) {
    if (!random.chance(options.resident)) {
      continue;
    }
    const double slower = log_uniform(random, 0.5, 2);
    const auto first = static_cast<std::uint32_t>(random.below(kVariantsPerModel));
    for (std::uint32_t i = first; i < kVariantsPerModel; ++i) {
      const VariantId variant{model * kVariantsPerModel + i};
      resident.push_back(variant);
      const double guess_s = fleet.service(node, variant).mean;
      fleet.observe_service(node, variant, guess_s * slower * random.uniform(0.8, 1.25));
    }
  }
  fleet.set_resident(node, resident);
  fleet.set_availability(node, Availability::kReady);
  const std::uint32_t capacity = fleet.node(node).slots * 2 + 2;
  fleet.set_capacity(node, capacity);
  for (std::uint32_t i = 0; i < capacity; ++i) {
    if (random.chance(options.busy)) {
      const VariantId variant{
          static_cast<std::uint32_t>(random.below(options.models * kVariantsPerModel))};
      fleet.assigned(node, fleet.service(node, variant).mean);
    }
  }
}

inline Fleet random_fleet(Random& random, const RandomFleetOptions& options) {
  Fleet fleet;
  for (std::uint32_t i = 0; i < options.models; ++i) {
    put_random_model(fleet, random, i);
  }
  for (std::uint32_t i = 0; i < options.nodes; ++i) {
    fleet.put_node(NodeId{i}, random_node(random, i, options.nodes));
    live(fleet, random, NodeId{i}, options);
  }
  return fleet;
}

// A preset half of the time, else weights spread evenly over the simplex.
inline Preference random_preference(Random& random) {
  if (random.chance(0.5)) {
    return presets()[random.below(presets().size())].preference;
  }
  std::array<double, kObjectives> weights;
  for (double& weight : weights) {
    weight = random.exponential(1);
  }
  return *make_preference(weights);
}

inline TaskView random_task(Random& random, const RandomFleetOptions& options,
                            const Constraints& constraints) {
  return {.model = {static_cast<std::uint32_t>(random.below(options.models))},
          .input_bytes = log_uniform(random, 1e3, 4e6),
          .preference = random_preference(random),
          .constraints = &constraints,
          .now = instant_from_us(0)};
}

}  // namespace skerry::scheduler::testing
