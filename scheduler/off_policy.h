// off_policy.h: what another policy would have cost, from outcomes of the active one's choices.
//
// The active policy is deterministic, so nothing can be weighted by chances: where both chose the
// same, what was measured counts; where they differ, the prediction of the other's choice does,
// shifted by how far predictions were off on average over all outcomes:
//   term = measured                        where both chose the same
//          predicted(other) + bias         else;   bias = mean of (measured - predicted(active))
// docs/policies.md says what that can and cannot tell.

#pragma once

#include <cstdint>

namespace skerry::scheduler {

// Sums over outcomes; costs are weighted sums of normalised objectives.
struct OffPolicy {
  std::uint64_t outcomes = 0;
  std::uint64_t matched = 0;     // both chose the same
  double measured = 0;           // of the active choices
  double matched_measured = 0;   // the part of it where both chose the same
  double direct = 0;             // predicted of the other's choices
  double residual = 0;           // measured - predicted(active)
  double differing = 0;          // predicted(other) - measured, where they differ
  double differing_squared = 0;  // the same, squared

  // Each cost counts as 10 at most: where candidates hardly differ, normalising blows up what is
  // measured.
  void add(bool same, double predicted_other, double predicted_active, double measured_cost);
};

struct OffPolicyEstimate {
  double cost = 0;        // mean term
  double difference = 0;  // mean of (term - measured); below 0, the other would have been cheaper
  double half_width = 0;  // of its 95 % confidence interval; 0 with too few outcomes to say
};
OffPolicyEstimate estimate(const OffPolicy& sums);  // all 0 without an outcome

}  // namespace skerry::scheduler
