#include "scheduler/estimate.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

namespace skerry::scheduler {

namespace {

constexpr double kLeastWeight = 0.1;
constexpr double kOutlierDeviations = 3;
constexpr double kLeastDeviation = 0.1;  // of the mean, where outliers are judged
constexpr double kLeastReach = 1e-6;     // so that an estimate of 0 can grow again
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

Estimate probed(const Estimate& estimate, std::span<const double> runs) {
  std::vector<double> sorted;
  std::ranges::copy_if(runs, std::back_inserter(sorted),
                       [](double run) { return std::isfinite(run) && run >= 0; });
  if (sorted.empty()) {
    return estimate;
  }
  std::ranges::sort(sorted);
  const double median = sorted[(sorted.size() - 1) / 2];
  const double upper_quartile = sorted[(sorted.size() - 1) * 3 / 4];
  const double deviation = std::max(upper_quartile - median, kProbeDeviation * median);
  const auto samples = std::min(static_cast<std::uint32_t>(sorted.size()), kProbeSamples);
  const std::uint32_t total = estimate.samples + samples;
  if (estimate.samples == 0 || (!settled(estimate) && median < estimate.mean)) {
    return {.mean = median, .deviation = deviation, .samples = total};
  }
  const double before = std::min<double>(estimate.samples, 1 / kLeastWeight);
  const double weight = samples / (samples + before);
  const double difference = median - estimate.mean;
  const double variance =
      (1 - weight) * (estimate.deviation * estimate.deviation + weight * difference * difference) +
      weight * deviation * deviation;
  return {.mean = estimate.mean + weight * difference,
          .deviation = std::sqrt(variance),
          .samples = total};
}

Estimate doubted(const Estimate& estimate) {
  Estimate result = estimate;
  result.samples = std::min(result.samples, kProbeSamples);
  return result;
}

}  // namespace skerry::scheduler
