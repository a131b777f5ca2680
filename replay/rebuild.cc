#include "replay/rebuild.h"

#include <cmath>
#include <map>

namespace skerry::replay {

namespace {

using scheduler::Variant;
using scheduler::VariantId;

constexpr scheduler::ModelId kModel{0};
constexpr double kSecondsPerHour = 3600;

scheduler::NodeSpec spec_of(const TracedCandidate& candidate) {
  return {.name = candidate.node,
          .tier = candidate.tier,
          .site = {},
          .labels = {},
          .engines = {},
          .slots = static_cast<std::uint32_t>(candidate.slots),
          .memory_bytes = static_cast<std::uint64_t>(candidate.node_memory_bytes),
          .speed = 1,
          .power = {.idle_w = 0,
                    .busy_w = candidate.busy_w,
                    .transfer_j_per_byte = candidate.transfer_j_per_byte},
          .price_usd_per_hour = candidate.price_usd_per_s * kSecondsPerHour,
          .rtt_s = candidate.rtt_s,
          .bandwidth_bytes_per_s = candidate.bandwidth_bytes_per_s};
}

void put_variants(scheduler::Fleet& fleet, const TracedDecision& decision) {
  std::vector<Variant> variants;
  for (std::size_t i = 0; i < decision.candidates.size(); ++i) {
    const TracedCandidate& candidate = decision.candidates[i];
    variants.push_back(
        {.id = {static_cast<std::uint32_t>(i)},
         .model = kModel,
         .name = candidate.variant,
         .accuracy = 1 - candidate.prediction.objectives.error,
         .reference_s = candidate.prediction.service_s,
         .artifact_bytes = 0,
         .memory_bytes = static_cast<std::uint64_t>(candidate.variant_memory_bytes)});
  }
  fleet.put_model({.id = kModel, .name = "model", .engine = {}, .variants = {}},
                  std::move(variants));
}

void put_load(scheduler::Fleet& fleet, NodeId node, VariantId variant,
              const TracedCandidate& candidate) {
  const auto outstanding = static_cast<std::uint32_t>(candidate.outstanding);
  for (std::uint32_t i = 0; i < outstanding; ++i) {
    fleet.assigned(node, variant, candidate.backlog_s / candidate.outstanding);
  }
}

}  // namespace

Rebuilt rebuild(const TracedDecision& decision) {
  Rebuilt rebuilt;
  scheduler::Fleet& fleet = rebuilt.fleet;
  put_variants(fleet, decision);
  std::map<NodeId, std::vector<VariantId>> resident;
  for (std::size_t i = 0; i < decision.candidates.size(); ++i) {
    const TracedCandidate& candidate = decision.candidates[i];
    const NodeId node{candidate.node_number};
    const VariantId variant{static_cast<std::uint32_t>(i)};
    if (!fleet.has_node(node)) {
      fleet.put_node(node, spec_of(candidate));
      fleet.set_availability(node, scheduler::Availability::kReady);
      fleet.set_capacity(node, static_cast<std::uint32_t>(candidate.capacity));
      put_load(fleet, node, variant, candidate);
    }
    fleet.observe_service(node, variant, candidate.prediction.service_s);
    if (candidate.measured_w > 0) {
      fleet.observe_energy(node, variant,
                           {.energy_j = candidate.measured_w, .service_s = 1, .input_bytes = 0});
    }
    if (candidate.resident) {
      resident[node].push_back(variant);
    }
    rebuilt.candidates.push_back(
        {.node = node,
         .variant = variant,
         .prediction = candidate.prediction,
         .normalised = decision.scale.normalise(candidate.prediction.objectives)});
  }
  for (const auto& [node, variants] : resident) {
    fleet.set_resident(node, variants);
  }
  return rebuilt;
}

}  // namespace skerry::replay
