// trend.h: what a policy remembers of the tasks before: how much work comes in, and what those who
// send it care for.
//
// A task that holds a slot costs others what they care for, not what its own sender does; so it is
// priced by what a second of delay costs a task on average. Means are exponential over decisions, so that no clock's unit
// matters: the load is work per slot that came in, over the time that it came in.

#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "scheduler/objectives.h"

namespace skerry::rl::fleet {

class Trend {
 public:
  // A decision: now_s is never earlier than in the one before.
  struct Seen {
    double now_s = 0;
    double work_s = 0;       // that the task would hold a slot, by the fleet's number of slots
    double delay_price = 0;  // what a second of delay costs this task
    bool timed = false;      // it has a deadline
  };
  void observe(const Seen& task, const scheduler::Preference& preference) {
    const double now_s = task.now_s;
    const double work_s = task.work_s;
    const double gap_s = seen_ > 0 ? std::max(now_s - last_s_, 0.0) : 0;
    last_s_ = now_s;
    seen_ += 1;
    slow_.observe(kSlow, seen_, gap_s, work_s);
    fast_.observe(kFast, seen_, gap_s, work_s);
    const double share = std::max(kSlow, 1 / seen_);
    for (std::size_t k = 0; k < scheduler::kObjectives; ++k) {
      preference_[k] += share * (preference.weights[k] - preference_[k]);
    }
    delay_price_ += share * (task.delay_price - delay_price_);
    timed_ += share * ((task.timed ? 1 : 0) - timed_);
  }

  // What is asked of the fleet relative to what it can do; 0 until something is known.
  double slow_load() const { return slow_.load(); }
  double fast_load() const { return fast_.load(); }
  const std::array<double, scheduler::kObjectives>& preference() const { return preference_; }
  double delay_price() const { return delay_price_; }  // per second
  double timed() const { return timed_; }              // share of tasks with a deadline

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
  double delay_price_ = 0;
  double timed_ = 0;
};

}  // namespace skerry::rl::fleet
