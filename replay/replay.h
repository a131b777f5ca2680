// replay.h: what another policy would have chosen on recorded decisions, and what the predictions
// say of that.
//
// Costs are weighted sums of normalised objectives, as everywhere. A decision is taken by itself: a
// choice has no effect on the decisions after it, as it would have had.
//
// Deterministic. Not thread-safe.

#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "common/random.h"
#include "replay/trace.h"
#include "scheduler/off_policy.h"

namespace skerry::replay {

struct Report {
  std::uint64_t decisions = 0;   // scored
  std::uint64_t incomplete = 0;  // left out, since not all of their candidates are in the trace
  std::uint64_t failed = 0;      // the policy gave no usable answer; not in `decisions`
  std::uint64_t agreed = 0;      // it chose the same
  // Means over `decisions` of (its choice - the recorded choice).
  double regret = 0;                                        // predicted cost
  std::array<double, scheduler::kObjectives> normalised{};  // by objective
  scheduler::Objectives raw{};                              // in the objective's own unit
  scheduler::OffPolicy outcomes;                            // sums over the decisions that have one
};

class Replay {
 public:
  explicit Replay(std::unique_ptr<scheduler::Policy> policy, bool incomplete_too = false);

  void add(const TracedDecision& decision);
  Report report() const;
  const scheduler::Policy& policy() const { return *policy_; }

 private:
  std::optional<std::size_t> choose(const TracedDecision& decision);

  std::unique_ptr<scheduler::Policy> policy_;
  bool incomplete_too_;
  Random random_;
  Report sums_;
};

}  // namespace skerry::replay
