// Percentiles of the load generator's histogram against the exact ones.

#include "bench/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/random.h"

namespace skerry::bench {
namespace {

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 100; ++value) {
    histogram.record(value);
  }
  EXPECT_EQ(histogram.quantile_ns(0.5), 50U);
  EXPECT_EQ(histogram.quantile_ns(0.99), 99U);
  EXPECT_EQ(histogram.quantile_ns(1), 100U);
  EXPECT_EQ(histogram.quantile_ns(0), 1U);
  EXPECT_DOUBLE_EQ(histogram.mean_ns(), 50.5);
}

TEST(Histogram, PercentilesOfAnySizeAreWithinTwoPercent) {
  Random random(3);
  Histogram histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(
        static_cast<std::uint64_t>(std::exp(random.uniform(0, 29))));  // up to 65 minutes
    histogram.record(values.back());
  }
  std::ranges::sort(values);
  for (const double fraction : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999}) {
    const auto exact =
        static_cast<double>(values[static_cast<std::size_t>(std::ceil(fraction * 20'000)) - 1]);
    EXPECT_NEAR(static_cast<double>(histogram.quantile_ns(fraction)), exact, exact * 0.02 + 1)
        << fraction;
  }
  EXPECT_EQ(histogram.quantile_ns(1), values.back());
}

TEST(Histogram, AddedUpIsAsIfRecordedTogether) {
  Histogram one;
  Histogram two;
  Histogram both;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    (i % 3 == 0 ? one : two).record(i * i);
    both.record(i * i);
  }
  one.add(two);
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.max_ns(), both.max_ns());
  EXPECT_EQ(one.quantile_ns(0.73), both.quantile_ns(0.73));
}

TEST(Histogram, ValuesBeyondTheRangeCountAsTheLargest) {
  Histogram histogram;
  histogram.record(UINT64_MAX);
  EXPECT_EQ(histogram.count(), 1U);
  EXPECT_GE(histogram.quantile_ns(0.5), std::uint64_t{1} << 42U);
  EXPECT_EQ(Histogram().quantile_ns(0.5), 0U);
}

}  // namespace
}  // namespace skerry::bench
