#include "scheduler/breaker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace skerry::scheduler {

namespace {
constexpr std::array<std::string_view, 3> kStates = {"closed", "open", "half_open"};
constexpr std::array<std::string_view, kFaults> kFaultNames = {"not_finite", "failed", "slow",
                                                               "out_of_range", "drift"};
constexpr double kTooOften = 0.5;
}  // namespace

std::string_view to_string(BreakerState state) { return kStates[static_cast<std::size_t>(state)]; }
std::string_view to_string(Fault fault) { return kFaultNames[static_cast<std::size_t>(fault)]; }

Breaker::Breaker(BreakerOptions options)
    : options_(options), drift_(options.drift), rest_(options.rest) {}

bool Breaker::asks(Instant now) {
  if (state_ == BreakerState::kOpen) {
    if (now < rests_until_) {
      return false;
    }
    move_to(BreakerState::kHalfOpen);
    until_trial_ = 0;
    good_trials_ = 0;
  }
  if (state_ == BreakerState::kClosed) {
    return true;
  }
  if (until_trial_ > 0) {
    --until_trial_;
    return false;
  }
  until_trial_ = options_.trial_every - 1;
  return true;
}

void Breaker::answered(Duration took, Instant now) {
  count_range(false);
  slow_ = took > options_.slow ? slow_ + 1 : 0;
  const bool trial = state_ == BreakerState::kHalfOpen;
  if (slow_ >= options_.slow_in_a_row || (trial && slow_ > 0)) {
    trip(Fault::kSlow,
         fmt::format("it took more than {} ms to rank, {} times in a row", to_ms(options_.slow),
                     slow_),
         now);
    return;
  }
  if (trial && ++good_trials_ >= options_.good_trials) {
    rest_ = options_.rest;
    move_to(BreakerState::kClosed);
  }
}

void Breaker::refused(Fault fault, std::string_view why, Instant now) {
  if (fault == Fault::kOutOfRange) {
    count_range(true);
    if (state_ == BreakerState::kClosed && out_of_range_ <= kTooOften) {
      return;
    }
  }
  trip(fault, why, now);
}

void Breaker::policy_outcome(double relative_cost, Instant now) {
  if (drift_.policy_outcome(relative_cost) && state_ != BreakerState::kOpen) {
    trip(
        Fault::kDrift,
        fmt::format("what its choices cost was {:.2f} times what greedy expected, over a window of "
                    "outcomes; at most {:.2f} is borne",
                    drift_.last_mean(), drift_.limit()),
        now);
  }
}

void Breaker::move_to(BreakerState state) {
  state_ = state;
  ++changes_;
}

void Breaker::trip(Fault fault, std::string_view why, Instant now) {
  fault_ = fault;
  reason_ = why;
  rests_until_ = now + rest_;
  rest_ = std::min(2 * rest_, options_.longest_rest);
  slow_ = 0;
  out_of_range_ = 0;
  drift_.forget_window();
  ++trips_;
  move_to(BreakerState::kOpen);
}

void Breaker::count_range(bool out_of_range) {
  out_of_range_ += ((out_of_range ? 1.0 : 0.0) - out_of_range_) / options_.recent;
}

}  // namespace skerry::scheduler
