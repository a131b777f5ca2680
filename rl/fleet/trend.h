// trend.h: what a policy remembers of the tasks before: how much work comes in, and what those who
// send it care for.
//
// A task that holds a slot costs others what they care for, not what its own sender does; so their
// mean preference is a feature. Means are exponential over decisions, so that no clock's unit
// matters: the load is work per slot that came in, over the time that it came in.

#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "scheduler/objectives.h"

namespace skerry::rl::fleet {

class Trend {
 public:
  // A decision at now_s (never earlier than the one before) on a task that would hold a slot for
  // work_s, relative to the fleet's number of slots.
  void observe(double now_s, const scheduler::Preference& preference, double work_s) {
    const double gap_s = seen_ > 0 ? std::max(now_s - last_s_, 0.0) : 0;
    last_s_ = now_s;
    seen_ += 1;
    slow_.observe(kSlow, seen_, gap_s, work_s);
    fast_.observe(kFast, seen_, gap_s, work_s);
    const double share = std::max(kSlow, 1 / seen_);
    for (std::size_t k = 0; k < scheduler::kObjectives; ++k) {
      preference_[k] += share * (preference.weights[k] - preference_[k]);
    }
  }

  // What is asked of the fleet relative to what it can do; 0 until something is known.
  double slow_load() const { return slow_.load(); }
  double fast_load() const { return fast_.load(); }
  const std::array<double, scheduler::kObjectives>& preference() const { return preference_; }

 private:
  static constexpr double kSlow = 1.0 / 100;  // share of a new decision in the mean
  static constexpr double kFast = 1.0 / 15;

  struct Load {
    double gap_s = 0;
    double work_s = 0;
    void observe(double least_share, double seen, double gap, double work) {
      const double share = std::max(least_share, 1 / seen);
      gap_s += share * (gap - gap_s);
      work_s += share * (work - work_s);
    }
    double load() const { return gap_s > 0 ? std::min(work_s / gap_s, 10.0) : 0; }
  };

  double last_s_ = 0;
  double seen_ = 0;
  Load slow_, fast_;
  std::array<double, scheduler::kObjectives> preference_ = {};
};

}  // namespace skerry::rl::fleet
