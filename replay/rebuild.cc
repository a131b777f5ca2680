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
  const scheduler::CandidateFacts& facts = candidate.facts;
  return {.name = candidate.node,
          .tier = facts.tier,
          .site = {},
          .labels = {},
          .engines = {},
          .slots = facts.slots,
          .memory_bytes = facts.node_memory_bytes,
          .speed = 1,
          .power = {.idle_w = 0,
                    .busy_w = facts.busy_w,
                    .transfer_j_per_byte = facts.transfer_j_per_byte},
          .price_usd_per_hour = facts.price_usd_per_s * kSecondsPerHour,
          .rtt_s = facts.rtt_s,
          .bandwidth_bytes_per_s = facts.bandwidth_bytes_per_s};
}

void put_variants(scheduler::Fleet& fleet, const TracedDecision& decision) {
  std::vector<Variant> variants;
  for (std::size_t i = 0; i < decision.candidates.size(); ++i) {
    const TracedCandidate& candidate = decision.candidates[i];
    variants.push_back({.id = {static_cast<std::uint32_t>(i)},
                        .model = kModel,
                        .name = candidate.variant,
                        .accuracy = 1 - candidate.prediction.objectives.error,
                        .reference_s = candidate.prediction.service_s,
                        .artifact_bytes = 0,
                        .memory_bytes = candidate.facts.variant_memory_bytes});
  }
  fleet.put_model({.id = kModel, .name = "model", .engine = {}, .variants = {}},
                  std::move(variants));
}

void put_load(scheduler::Fleet& fleet, NodeId node, const scheduler::CandidateFacts& facts) {
  for (std::uint32_t i = 0; i < facts.outstanding; ++i) {
    fleet.assigned(node, facts.backlog_s / facts.outstanding);
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
    const NodeId node = candidate.facts.node;
    const VariantId variant{static_cast<std::uint32_t>(i)};
    if (!fleet.has_node(node)) {
      fleet.put_node(node, spec_of(candidate));
      fleet.set_availability(node, scheduler::Availability::kReady);
      fleet.set_capacity(node, candidate.facts.capacity);
      put_load(fleet, node, candidate.facts);
    }
    fleet.observe_service(node, variant, candidate.prediction.service_s);
    if (candidate.facts.measured_w > 0) {
      fleet.observe_energy(
          node, variant,
          {.energy_j = candidate.facts.measured_w, .service_s = 1, .input_bytes = 0});
    }
    if (candidate.facts.resident) {
      resident[node].push_back(variant);
    }
    rebuilt.candidates.push_back(
        {.node = node,
         .variant = variant,
         .prediction = candidate.prediction,
         .offer = scheduler::offer(fleet.physics(node, variant, decision.input_bytes)),
         .normalised = decision.scale.normalise(candidate.prediction.objectives)});
  }
  for (const auto& [node, variants] : resident) {
    fleet.set_resident(node, variants);
  }
  return rebuilt;
}

}  // namespace skerry::replay
