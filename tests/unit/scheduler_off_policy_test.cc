// Tests of the off-policy estimate against hand-computed cases, and on choices whose truth is known.

#include <gtest/gtest.h>

#include "common/random.h"
#include "scheduler/off_policy.h"

namespace skerry::scheduler {
namespace {

TEST(OffPolicy, WhereBothChoseTheSameWhatWasMeasuredCounts) {
  OffPolicy sums;
  sums.add(true, 0.5, 0.5, 0.9);
  sums.add(true, 0.2, 0.2, 0.1);
  EXPECT_DOUBLE_EQ(estimate(sums).cost, 0.5);
  EXPECT_DOUBLE_EQ(estimate(sums).difference, 0);
}

TEST(OffPolicy, WhereTheyDifferThePredictionCountsShiftedByItsMeanError) {
  OffPolicy sums;
  sums.add(true, 0.5, 0.5, 0.7);   // off by 0.2
  sums.add(false, 0.3, 0.6, 1.0);  // off by 0.4, so 0.3 on average
  const OffPolicyEstimate result = estimate(sums);
  EXPECT_DOUBLE_EQ(result.cost, (0.7 + 0.3 + 0.3) / 2);
  EXPECT_DOUBLE_EQ(result.difference, (0.3 + 0.3 - 1.0) / 2);
}

TEST(OffPolicy, NoOutcomeNoEstimate) { EXPECT_EQ(estimate({}).cost, 0); }

// The model is off by the same everywhere; the other policy chooses what is 0.2 cheaper in 3 of 10.
TEST(OffPolicy, FindsTheDifferenceWhateverTheModelsBiasIs) {
  for (const double bias : {-0.5, 0.0, 2.0}) {
    Random random(7);
    OffPolicy sums;
    for (int i = 0; i < 4000; ++i) {
      const bool same = random.chance(0.7);
      const double active = random.uniform(0.2, 1);
      const double other = same ? active : active - 0.2;
      sums.add(same, other, active, active + bias + random.normal(0, 0.1));
    }
    const OffPolicyEstimate result = estimate(sums);
    EXPECT_NEAR(result.difference, 0.3 * -0.2, 3 * result.half_width) << bias;
    EXPECT_LT(result.half_width, 0.01);
    EXPECT_GT(result.half_width, 0);
  }
}

}  // namespace
}  // namespace skerry::scheduler
