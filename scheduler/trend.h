// trend.h: what came in lately: how much work, where it went, and what those who sent it care for.
//
// A task that holds a slot costs others what they care for, not what its own sender does; so it is
// priced by what a second of delay costs a task on average. Means are exponential over decisions, so
// that no clock's unit matters: a load is the time that tasks hold a slot, by the fleet's number of
// slots, over the time in which they came in.
//
// Pure; the meter is kept by whoever decides, and never allocates.

#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "scheduler/objectives.h"

namespace skerry::scheduler {

// As a policy sees it, the task that is being decided on included.
struct Trend {
  double slots = 1;  // of all nodes that are ready, whether they have room or not
  // What is asked of the fleet relative to what it can do, if each task went to any of its candidates;
  // over about a hundred decisions, and over about fifteen. 0 until something is known.
  double slow_load = 0;
  double fast_load = 0;
  double least_load = 0;  // if each went where it is done soonest; over a hundred
  // As the tasks were placed: the share of slots that is in use.
  double slow_taken = 0;
  double fast_taken = 0;
  double delay_price = 0;  // what a second of delay costs a task, weighed and scaled
  double timed = 0;        // share of tasks with a deadline
  // How likely a second of delay makes a task miss its deadline: the mean of 1 / time left, 0 for
  // tasks without one.
  double urgency = 0;
  std::array<double, kObjectives> preference = {};  // mean weights

  bool operator==(const Trend&) const = default;
};

// A task that is being decided on.
struct TrendSample {
  double now_s = 0;    // never earlier than the one before; of any origin
  double slots = 1;    // of the fleet
  double range_s = 0;  // of the latency, in the decision's scale
  Preference preference;
  std::optional<double> deadline_left_s;
  // Of its candidates.
  double count = 0;
  double service_s = 0;  // sum
  double least_service_s = std::numeric_limits<double>::infinity();

  void add_candidate(double candidate_service_s) {
    count += 1;
    service_s += candidate_service_s;
    least_service_s = std::min(least_service_s, candidate_service_s);
  }
};

class TrendMeter {
 public:
  void observe(const TrendSample& task);  // with a candidate at least
  // That task was placed, and holds a slot for so long.
  void take(double busy_s) { taken_s_ = busy_s / trend_.slots; }
  const Trend& trend() const { return trend_; }

 private:
  struct Load {
    double gap_s = 0;
    double work_s = 0;
    double observe(double share, double gap, double work);  // the load
  };

  double last_s_ = 0;
  double seen_ = 0;
  double taken_s_ = 0;  // by that task, by the number of slots
  Load slow_, fast_, least_, slow_taken_, fast_taken_;
  Trend trend_;
};

}  // namespace skerry::scheduler
