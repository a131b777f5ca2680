// scheduler_world.h: small fleets by hand for the scheduler's tests.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "scheduler/fleet.h"
#include "scheduler/place.h"
#include "scheduler/policy.h"

namespace skerry::scheduler::testing {

constexpr ModelId kModel{0};
constexpr VariantId kSmall{0};
constexpr VariantId kLarge{1};

// One slot, speed 1, 1 GB, 10 W when busy, 3.6 USD an hour (0.001 USD a second), no round trip.
inline NodeSpec plain_node(std::string name) {
  return {.name = std::move(name),
          .tier = Tier::kEdge,
          .site = "harbour",
          .engines = {"torch"},
          .slots = 1,
          .memory_bytes = 1'000'000'000,
          .speed = 1,
          .power = {.idle_w = 2, .busy_w = 10, .transfer_j_per_byte = 0},
          .price_usd_per_hour = 3.6,
          .rtt_s = 0,
          .bandwidth_bytes_per_s = 1e6};
}

inline void put_ready(Fleet& fleet, NodeId id, NodeSpec spec) {
  fleet.put_node(id, std::move(spec));
  fleet.set_availability(id, Availability::kReady);
  fleet.set_capacity(id, 4);
}

// kSmall: 0.1 s, accuracy 0.8; kLarge: 1 s, accuracy 0.95. Nothing to load, so that tests about
// other things need not make them resident.
inline void put_digits(Fleet& fleet) {
  fleet.put_model(
      {.id = kModel, .name = "digits", .engine = "torch"},
      {{.id = kSmall, .model = kModel, .name = "small", .accuracy = 0.8, .reference_s = 0.1},
       {.id = kLarge, .model = kModel, .name = "large", .accuracy = 0.95, .reference_s = 1}});
}

inline void make_resident(Fleet& fleet, NodeId id) {
  const std::vector<VariantId> both = {kSmall, kLarge};
  fleet.set_resident(id, both);
}

// A task of that model without constraints. The view points at them, so it lives as long as this.
struct Task {
  Constraints constraints;
  TaskView view;

  explicit Task(ModelId model = kModel) {
    view.model = model;
    view.now = instant_from_us(1'000'000);
    view.constraints = &constraints;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
};

inline Placer greedy_placer() { return {make_heuristic("greedy"), Random(1)}; }

inline std::uint32_t masked(const Decision& decision, MaskReason reason) {
  return decision.masked[static_cast<std::size_t>(reason)];
}

}  // namespace skerry::scheduler::testing
