#include "scheduler/estimate.h"

#include <algorithm>
#include <cmath>

namespace skerry::scheduler {

namespace {

constexpr double kLeastWeight = 0.1;
constexpr double kOutlierDeviations = 3;
constexpr double kLeastDeviation = 0.1;  // of the mean, where outliers are judged
constexpr double kLeastReach = 1e-4;     // so that an estimate of 0 can grow again
constexpr std::uint32_t kWarmUpSamples = 3;

double weight_of(std::uint32_t sample) { return std::max(1.0 / sample, kLeastWeight); }

}  // namespace

Estimate guessed(double mean, double relative_deviation) {
  return {.mean = mean, .deviation = relative_deviation * mean, .samples = 0};
}

Estimate learned(const Estimate& estimate, double measured) {
  if (!std::isfinite(measured) || measured < 0) {
    return estimate;
  }
  const std::uint32_t sample = estimate.samples + 1;
  const bool warmed_up = sample > 1 && sample <= kWarmUpSamples + 1 && measured < estimate.mean / 2;
  if (sample == 1 || warmed_up) {
    return {.mean = measured, .deviation = kGuessDeviation * measured, .samples = 1};
  }
  const double reach = kOutlierDeviations *
                       std::max({estimate.deviation, kLeastDeviation * estimate.mean, kLeastReach});
  const double difference = std::clamp(measured - estimate.mean, -reach, reach);
  // The deviation that came with the first measurement counts as one sample more.
  const double weight = weight_of(sample + 1);
  const double variance =
      (1 - weight) * (estimate.deviation * estimate.deviation + weight * difference * difference);
  return {.mean = estimate.mean + weight_of(sample) * difference,
          .deviation = std::sqrt(variance),
          .samples = sample};
}

}  // namespace skerry::scheduler
