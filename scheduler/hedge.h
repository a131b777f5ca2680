// hedge.h: whether a second attempt of a task pays while the first goes on.
//
// Weighed as a placement is, by the task's own preference over objectives normalised by the range of
// the decision (objectives.h). What it gains: the time by which the second is expected to be the
// earlier one, given how long the first has taken already (tail.h), and what it takes off the risk of
// missing the deadline. What it costs: the second's energy and money, in full though it may be cancelled
// early, and the error of its variant in so far as its answer is the one that counts. What the
// first no longer spends when it is cancelled is not credited.
//
// Pure: functions on values.

#pragma once

#include <optional>

#include "scheduler/policy.h"
#include "scheduler/tail.h"

namespace skerry::scheduler {

// The attempt that goes on.
struct Running {
  double predicted_s = 0;  // its latency, and one deviation of that
  double deviation_s = 0;
  double elapsed_s = 0;  // since it was placed
  double error = 0;      // of its variant

  double overrun() const { return overrun_at(elapsed_s); }
  // In deviations, each at least a tenth of the prediction and a millisecond: less is noise.
  double overrun_at(double elapsed) const { return (elapsed - predicted_s) / unit_s(); }
  double unit_s() const;
};

struct HedgeWorth {
  double gain = 0;  // in what a placement's cost is counted in
  double price = 0;
  double saved_s = 0;         // how much sooner a result is expected
  double chance_earlier = 0;  // that the second ends first
  double miss_averted = 0;    // off the chance of missing the deadline

  bool pays() const { return gain > price; }
};

HedgeWorth worth_of(const Running& first, const Candidate& second, const Tail& tail,
                    const Scale& scale, const Preference& preference,
                    std::optional<double> deadline_left_s);

}  // namespace skerry::scheduler
