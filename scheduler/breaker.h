// breaker.h: keeps a policy that misbehaves from deciding, and lets it back once it behaves.
//
//   closed --(trips)--> open --(has rested)--> half-open --(enough good trials)--> closed
//                        ^                         |
//                        +------(a bad trial)------+     and rests twice as long as before
//
// Closed, the policy is asked in every decision; open, in none: greedy decides. Half-open, it is
// asked in one decision of a few, and greedy decides the others and those where its answer is bad.
//
// Trips at once: a score that is not finite, an exception, an error. Trips when repeated: a ranking
// that takes too long (in a row, since a busy machine delays a single one), input outside what the
// policy knows (more than half of the recent decisions), outcomes that drift (drift.h).
//
// Pure: time is given. Not thread-safe.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/time.h"
#include "scheduler/drift.h"

namespace skerry::scheduler {

enum class BreakerState : std::uint8_t { kClosed, kOpen, kHalfOpen };
std::string_view to_string(BreakerState state);  // "closed", "open", "half_open"

enum class Fault : std::uint8_t { kNotFinite, kFailed, kSlow, kOutOfRange, kDrift };
constexpr std::size_t kFaults = 5;
std::string_view to_string(Fault fault);  // "not_finite", "failed", "slow", "out_of_range", "drift"

struct BreakerOptions {
  Duration slow = milliseconds(5);  // a ranking that takes longer is slow
  std::uint32_t slow_in_a_row = 3;
  std::uint32_t recent = 64;  // decisions, about, whose share of input out of range counts
  Duration rest = seconds(30);
  Duration longest_rest = minutes(10);
  std::uint32_t trial_every = 16;  // decisions, while half-open
  std::uint32_t good_trials = 16;
  DriftOptions drift;
};

class Breaker {
 public:
  explicit Breaker(BreakerOptions options = {});

  // Whether the policy is asked in the decision that is due. What came of it is told by one of the
  // two below.
  bool asks(Instant now);
  void answered(Duration took, Instant now);
  // `why` is a sentence for people.
  void refused(Fault fault, std::string_view why, Instant now);

  // What a task cost that the policy, or greedy in its place, decided; see relative_cost().
  void policy_outcome(double relative_cost, Instant now);
  void greedy_outcome(double relative_cost) { drift_.greedy_outcome(relative_cost); }

  BreakerState state() const { return state_; }
  // Grows with every change of the state.
  std::uint64_t changes() const { return changes_; }
  std::uint64_t trips() const { return trips_; }
  Fault last_fault() const { return fault_; }            // valid if it ever tripped
  const std::string& reason() const { return reason_; }  // of the last trip; empty if it never did
  Instant rests_until() const { return rests_until_; }   // valid while open
  const DriftWatch& drift() const { return drift_; }

 private:
  void move_to(BreakerState state);
  void trip(Fault fault, std::string_view why, Instant now);
  void count_range(bool out_of_range);

  BreakerOptions options_;
  BreakerState state_ = BreakerState::kClosed;
  DriftWatch drift_;
  std::uint64_t changes_ = 0;
  std::uint64_t trips_ = 0;
  Fault fault_ = Fault::kFailed;
  std::string reason_;
  Duration rest_;  // of the next trip
  Instant rests_until_{};
  std::uint32_t slow_ = 0;         // in a row
  double out_of_range_ = 0;        // share of the recent decisions
  std::uint32_t until_trial_ = 0;  // decisions
  std::uint32_t good_trials_ = 0;
};

}  // namespace skerry::scheduler
