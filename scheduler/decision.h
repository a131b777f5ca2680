// decision.h: what a placement decision says: candidates, scores, the choice, and why not others.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/policy.h"

namespace skerry::scheduler {

// Why candidates were left out, counted over all (node, variant) pairs that were looked at.
using MaskCounts = std::array<std::uint32_t, kMaskReasons>;

// What would take a task that nobody can take now, were its variant only loaded there.
struct WarmUp {
  NodeId node;
  VariantId variant;
};

// What a policy without effect would have chosen.
struct ShadowChoice {
  std::optional<std::size_t> chosen;  // into candidates; empty: it failed, or rests after failing
};

struct Decision {
  std::optional<std::size_t> chosen;  // into candidates; empty = nowhere to go now
  std::vector<Candidate> candidates;  // eligible, ordered by node, then variant
  std::vector<double> scores;         // one per candidate
  std::vector<double> costs;          // one per candidate: the weighted sum of its predictions
  std::size_t greedy = 0;             // the candidate of the least cost, if there is one
  Scale scale;
  Trend trend;
  std::size_t waiting = 0;  // other tasks, as the task said
  MaskCounts masked{};
  bool satisfiable =
      true;  // false: no node and variant of this fleet can ever meet the constraints
  // Set if nothing was chosen, and on an idle node only the time, joules or dollars of loading a
  // variant are in the way. The quickest of those seen.
  std::optional<WarmUp> warm_up;
  std::string policy;  // whose scores these are
  std::string policy_version;
  std::string fallback_reason;        // set if greedy decided in the policy's place: its answer was
                                      // refused, or its breaker is open
  std::vector<ShadowChoice> shadows;  // in the order of Ranking's shadows
};

}  // namespace skerry::scheduler
