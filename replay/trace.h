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
#include "scheduler/candidate_facts.h"

namespace skerry::replay {

struct TracedCandidate {
  std::string node;
  std::string variant;
  scheduler::Prediction prediction;
  scheduler::CandidateFacts facts;
};

struct TracedDecision {
  double input_bytes = 0;
  std::optional<double> deadline_left_s;
  scheduler::Preference preference;
  std::size_t waiting = 0;
  scheduler::Scale scale;
  scheduler::Trend trend;
  std::vector<TracedCandidate> candidates;      // in the order in which policies see them
  std::size_t chosen = 0;                       // into candidates
  bool complete = false;                        // no candidate is missing
  std::optional<scheduler::Objectives> actual;  // what the attempt took, if it succeeded
};

// kInvalidArgument says what is missing.
Result<TracedDecision> read_decision(std::string_view line);

}  // namespace skerry::replay
