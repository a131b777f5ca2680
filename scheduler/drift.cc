#include "scheduler/drift.h"

#include <algorithm>

namespace skerry::scheduler {

namespace {

constexpr double kMostRatio = 10;

double ratio_of(double actual, double expected) {
  if (actual <= expected) {
    return expected > 0 ? std::max(actual, 0.0) / expected : 1;
  }
  return expected > 0 ? std::min(actual / expected, kMostRatio) : kMostRatio;
}

}  // namespace

double relative_cost(const Preference& preference, const Objectives& actual,
                     const Objectives& expected) {
  double sum = 0;
  for (std::size_t k = 0; k < kObjectives; ++k) {
    const auto objective = static_cast<Objective>(k);
    sum += preference.weights[k] * ratio_of(actual[objective], expected[objective]);
  }
  return sum;
}

bool DriftWatch::policy_outcome(double cost) {
  window_.sum += cost;
  if (++window_.count < options_.window) {
    return false;
  }
  last_mean_ = window_.sum / window_.count;
  window_ = {};
  return last_mean_ > limit();
}

void DriftWatch::greedy_outcome(double cost) {
  if (greedy_.count >= options_.window) {  // older ones count half as much
    greedy_.sum /= 2;
    greedy_.count /= 2;
  }
  greedy_.sum += cost;
  ++greedy_.count;
}

double DriftWatch::limit() const {
  const bool known = greedy_.count >= options_.window / 4 && greedy_.count > 0;
  return options_.ratio * (known ? std::max(1.0, greedy_.sum / greedy_.count) : 1.0);
}

}  // namespace skerry::scheduler
