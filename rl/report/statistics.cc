#include "rl/report/statistics.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "common/check.h"

namespace skerry::rl {

double t_quantile(std::size_t freedom) {
  constexpr double kUpper = 0.975;
  return boost::math::quantile(boost::math::students_t(static_cast<double>(freedom)), kUpper);
}

Estimate mean_of(std::span<const double> values) {
  check(!values.empty(), "a mean is of something");
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  const double mean = sum / count;
  if (values.size() < 2) {
    return {mean, std::numeric_limits<double>::infinity()};
  }
  double squares = 0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  const double error = std::sqrt(squares / (count - 1) / count);
  return {mean, error > 0 ? t_quantile(values.size() - 1) * error : 0};
}

Estimate paired_change(std::span<const double> ours, std::span<const double> theirs) {
  check(ours.size() == theirs.size(), "a pair has two sides");
  const double mean_ours = mean_of(ours).value;
  const double mean_theirs = mean_of(theirs).value;
  const double ratio = mean_ours / mean_theirs;
  std::vector<double> residuals(ours.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    residuals[i] = 100 * (ours[i] - ratio * theirs[i]) / mean_theirs;
  }
  return {100 * (ratio - 1), mean_of(residuals).ci95};
}

double quantile(std::span<double> values, double share) {
  check(!values.empty() && share >= 0 && share <= 1, "a quantile is of something");
  std::ranges::sort(values);
  const double at = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

}  // namespace skerry::rl
