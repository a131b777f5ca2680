#include "scheduler/candidate_facts.h"

namespace skerry::scheduler {

CandidateFacts facts_of(const Fleet& fleet, const Candidate& candidate) {
  const Physics physics = fleet.physics(candidate.node, candidate.variant, 0);
  const NodeSpec& node = fleet.node(candidate.node);
  const NodeLoad& load = fleet.load(candidate.node);
  return {.node = candidate.node,
          .variant = candidate.variant,
          .tier = node.tier,
          .slots = node.slots,
          .outstanding = load.outstanding,
          .capacity = load.capacity,
          .backlog_s = physics.backlog_s,
          .rtt_s = physics.rtt_s,
          .bandwidth_bytes_per_s = physics.bandwidth_bytes_per_s,
          .busy_w = physics.busy_w,
          .measured_w = physics.measured_w,
          .transfer_j_per_byte = physics.transfer_j_per_byte,
          .price_usd_per_s = physics.price_usd_per_s,
          .node_memory_bytes = node.memory_bytes,
          .variant_memory_bytes = fleet.variant(candidate.variant).memory_bytes,
          .resident = fleet.resident(candidate.node, candidate.variant)};
}

}  // namespace skerry::scheduler
