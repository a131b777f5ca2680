// statistics.h: means with 95 % intervals, of one policy alone and of two on the same episodes.
//
// Episodes are independent, and all policies meet the same ones (common random numbers), so that
// changes are taken within pairs: most of the noise is common and falls out.

#pragma once

#include <span>

namespace skerry::rl {

// value +- ci95.
struct Estimate {
  double value = 0;
  double ci95 = 0;
};

// Student's t; at least two values, else the interval is infinite.
Estimate mean_of(std::span<const double> values);

// 100 x (mean of ours / mean of theirs - 1), in %. Interval: of the ratio of means over pairs, by the
// delta method.
Estimate paired_change(std::span<const double> ours, std::span<const double> theirs);

// What 97.5 % of Student's t with these degrees of freedom lie below.
double t_quantile(std::size_t freedom);

// The value below which a share of the values lies, by linear interpolation; sorts them. Not empty.
double quantile(std::span<double> values, double share);

}  // namespace skerry::rl
