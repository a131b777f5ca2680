// drift.h: notices that what a policy's choices really cost has grown away from what greedy
// expected of its own.
//
// Each outcome is one number: the cost that came over the cost that greedy's choice was predicted
// to have, objective by objective, weighted by the preference (relative_cost). Around 1, a policy
// does as well as greedy would have expected to. A policy may well give up something on one task for
// the sake of others, so only the mean over a window speaks, and only when it is several times too
// high. Where predictions are off, greedy's own outcomes are, too: those of the tasks that greedy
// decided raise the limit by their mean.

#pragma once

#include <cstdint>

#include "scheduler/objectives.h"

namespace skerry::scheduler {

struct DriftOptions {
  std::uint32_t window = 256;  // outcomes
  double ratio = 3;            // of the mean to what greedy's is, above which it has drifted
};

// Each objective counts at most ten times what was expected, so that one outlier decides nothing.
double relative_cost(const Preference& preference, const Objectives& actual,
                     const Objectives& expected);

class DriftWatch {
 public:
  explicit DriftWatch(DriftOptions options) : options_(options) {}

  // Of a task that the policy decided. True if this one completes a window that has drifted.
  bool policy_outcome(double cost);
  // Of a task that greedy decided in its place.
  void greedy_outcome(double cost);

  double limit() const;                            // of a window's mean
  double last_mean() const { return last_mean_; }  // of the newest whole window; 0 = none yet
  void forget_window() { window_ = {}; }

 private:
  struct Mean {
    double sum = 0;
    std::uint32_t count = 0;
  };

  DriftOptions options_;
  Mean window_;
  Mean greedy_;
  double last_mean_ = 0;
};

}  // namespace skerry::scheduler
