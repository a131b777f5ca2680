// shadow_stats.h: how a shadow's choices compare with the active policy's: as predicted, in every
// decision, and as far as outcomes tell (docs/policies.md has the estimator and its assumptions).
//
// Costs are weighted sums of normalised objectives, one decision's best to worst being 0 to 1.

#pragma once

#include <cstdint>

namespace skerry::core {

struct ShadowStats {
  // Of the decisions since it became a shadow.
  std::uint64_t decisions = 0;
  std::uint64_t agreed = 0;  // it chose the same node and variant
  std::uint64_t failed = 0;  // it gave no usable answer, or rested after that
  double regret = 0;         // sum of predicted cost of its choice - of the active one

  // Of those whose attempt succeeded, where it had chosen.
  std::uint64_t outcomes = 0;
  std::uint64_t matched = 0;      // where both chose the same
  double measured = 0;            // sum of what the active choices cost
  double matched_measured = 0;    // the part of it where both chose the same
  double direct = 0;              // sum of the predicted costs of its choices
  double estimate = 0;            // sum of the doubly robust terms
  double difference_squared = 0;  // sum of (doubly robust term - measured)^2

  // An attempt that the active policy chose, predicted to cost `active_predicted`, cost `measured`.
  void came(bool agrees, double predicted, double active_predicted, double cost) {
    const double term = predicted + (agrees ? cost - active_predicted : 0);
    ++outcomes;
    matched += agrees ? 1 : 0;
    measured += cost;
    matched_measured += agrees ? cost : 0;
    direct += predicted;
    estimate += term;
    difference_squared += (term - cost) * (term - cost);
  }
};

// Mean of (estimated cost of the shadow - measured cost of the active policy), and half the width
// of its 95 % confidence interval; 0 and 0 while there are too few outcomes.
struct EstimatedDifference {
  double mean = 0;
  double half_width = 0;
};
EstimatedDifference estimated_difference(const ShadowStats& stats);

}  // namespace skerry::core
