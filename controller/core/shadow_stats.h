// shadow_stats.h: how a shadow's choices compare with the active policy's: as predicted, in every
// decision, and as far as outcomes tell.
//
// Costs are weighted sums of normalised objectives, one decision's best to worst being 0 to 1.

#pragma once

#include <cstdint>

#include "scheduler/off_policy.h"

namespace skerry::core {

struct ShadowStats {
  // Of the decisions since it became a shadow.
  std::uint64_t decisions = 0;
  std::uint64_t agreed = 0;  // it chose the same node and variant
  std::uint64_t failed = 0;  // it gave no usable answer, or rested after that
  double regret = 0;         // sum of predicted cost of its choice - of the active one
  // Of those whose attempt succeeded, where it had chosen.
  scheduler::OffPolicy outcomes;
};

}  // namespace skerry::core
