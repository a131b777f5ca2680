// candidate_facts.h: what a policy may look at beside a candidate's prediction, so that a decision can
// be recorded and scored again.

#pragma once

#include <cstdint>

#include "scheduler/policy.h"

namespace skerry::scheduler {

struct CandidateFacts {
  NodeId node;  // the numbers by which candidates are ordered
  VariantId variant;
  Tier tier = Tier::kEdge;
  std::uint32_t slots = 1;
  std::uint32_t outstanding = 0;
  std::uint32_t capacity = 0;
  double backlog_s = 0;
  double rtt_s = 0;
  double bandwidth_bytes_per_s = 0;
  double busy_w = 0;
  double measured_w = 0;
  double transfer_j_per_byte = 0;
  double price_usd_per_s = 0;
  std::uint64_t node_memory_bytes = 0;
  std::uint64_t variant_memory_bytes = 0;
  bool resident = false;

  bool operator==(const CandidateFacts&) const = default;
};

CandidateFacts facts_of(const Fleet& fleet, const Candidate& candidate);

}  // namespace skerry::scheduler
