#include "scheduler/off_policy.h"

#include <algorithm>
#include <cmath>

namespace skerry::scheduler {

namespace {
constexpr std::uint64_t kFewOutcomes = 30;
constexpr double kNormal95 = 1.96;
constexpr double kMostCost = 10;

double bounded(double cost) { return std::clamp(cost, -kMostCost, kMostCost); }

}  // namespace

void OffPolicy::add(bool same, double predicted_other, double predicted_active,
                    double measured_cost) {
  predicted_other = bounded(predicted_other);
  predicted_active = bounded(predicted_active);
  measured_cost = bounded(measured_cost);
  ++outcomes;
  measured += measured_cost;
  direct += predicted_other;
  residual += measured_cost - predicted_active;
  if (same) {
    ++matched;
    matched_measured += measured_cost;
    return;
  }
  const double difference = predicted_other - measured_cost;
  differing += difference;
  differing_squared += difference * difference;
}

OffPolicyEstimate estimate(const OffPolicy& sums) {
  if (sums.outcomes == 0) {
    return {};
  }
  const auto count = static_cast<double>(sums.outcomes);
  const auto differ = static_cast<double>(sums.outcomes - sums.matched);
  const double bias = sums.residual / count;
  const double mean = (sums.differing + differ * bias) / count;
  OffPolicyEstimate result{
      .cost = sums.measured / count + mean, .difference = mean, .half_width = 0};
  if (sums.outcomes >= kFewOutcomes) {
    const double squares =
        sums.differing_squared + 2 * bias * sums.differing + differ * bias * bias;
    const double variance = std::max(squares / count - mean * mean, 0.0);
    result.half_width = kNormal95 * std::sqrt(variance / (count - 1));
  }
  return result;
}

}  // namespace skerry::scheduler
