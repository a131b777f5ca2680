#include "scheduler/trend.h"

#include <algorithm>

#include "common/check.h"

namespace skerry::scheduler {

namespace {

// Share of a new decision in a mean; more as long as few were seen.
constexpr double kSlow = 1.0 / 100;
constexpr double kFast = 1.0 / 15;
constexpr double kMostLoad = 10;
constexpr double kLeastLeftSeconds = 1e-6;

}  // namespace

double TrendMeter::Load::observe(double share, double gap, double work) {
  gap_s += share * (gap - gap_s);
  work_s += share * (work - work_s);
  return gap_s > 0 ? std::min(work_s / gap_s, kMostLoad) : 0;
}

void TrendMeter::observe(const TrendSample& task) {
  check(task.count > 0 && task.slots > 0, "a task has a candidate, and a fleet slots");
  trend_.slots = task.slots;
  const double work_s = task.service_s / task.count / task.slots;
  const double gap_s = seen_ > 0 ? std::max(task.now_s - last_s_, 0.0) : 0;
  last_s_ = task.now_s;
  seen_ += 1;
  const double slow = std::max(kSlow, 1 / seen_);
  const double fast = std::max(kFast, 1 / seen_);
  trend_.slow_load = slow_.observe(slow, gap_s, work_s);
  trend_.fast_load = fast_.observe(fast, gap_s, work_s);
  trend_.least_load = least_.observe(slow, gap_s, task.least_service_s / task.slots);
  // The task before is what was taken since then.
  trend_.slow_taken = slow_taken_.observe(slow, gap_s, taken_s_);
  trend_.fast_taken = fast_taken_.observe(fast, gap_s, taken_s_);
  taken_s_ = 0;
  const auto learn = [slow](double& mean, double value) { mean += slow * (value - mean); };
  for (std::size_t k = 0; k < kObjectives; ++k) {
    learn(trend_.preference[k], task.preference.weights[k]);
  }
  const auto latency = static_cast<std::size_t>(Objective::kLatency);
  learn(trend_.delay_price, task.range_s > 0 ? task.preference.weights[latency] / task.range_s : 0);
  learn(trend_.timed, task.deadline_left_s ? 1 : 0);
  learn(trend_.urgency,
        task.deadline_left_s ? 1 / std::max(*task.deadline_left_s, kLeastLeftSeconds) : 0);
}

}  // namespace skerry::scheduler
