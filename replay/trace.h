// trace.h: a recorded decision, as GET /api/v1/decisions and `skerryctl decisions export` write it,
// one JSON object a line.
//
// Reading is lenient about members that are not needed, and strict about those that are. Pure.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "scheduler/policy.h"

namespace skerry::replay {

struct TracedCandidate {
  std::string node;
  std::string variant;
  std::uint32_t node_number = 0;  // candidates are ordered by node, then variant
  std::uint32_t variant_number = 0;
  scheduler::Prediction prediction;
  scheduler::Tier tier = scheduler::Tier::kEdge;
  double slots = 1;
  double outstanding = 0;
  double capacity = 0;
  double backlog_s = 0;
  double rtt_s = 0;
  double bandwidth_bytes_per_s = 0;
  double busy_w = 0;
  double measured_w = 0;
  double transfer_j_per_byte = 0;
  double price_usd_per_s = 0;
  double node_memory_bytes = 0;
  double variant_memory_bytes = 0;
  bool resident = false;
};

struct TracedDecision {
  std::string job;
  std::string policy;  // that decided
  double input_bytes = 0;
  std::optional<double> deadline_left_s;
  scheduler::Preference preference;
  scheduler::Scale scale;
  std::vector<TracedCandidate> candidates;      // in the order in which policies see them
  std::size_t chosen = 0;                       // into candidates
  bool complete = false;                        // no candidate is missing
  std::optional<scheduler::Objectives> actual;  // what the attempt took, if it succeeded
};

// kInvalidArgument says what is missing.
Result<TracedDecision> read_decision(std::string_view line);

}  // namespace skerry::replay
