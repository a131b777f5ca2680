// What came in lately: loads against rates worked out by hand.
#include <gtest/gtest.h>

#include "scheduler/trend.h"

namespace skerry::scheduler {
namespace {

TEST(Trend, FindsLoadsPricesAndDeadlines) {
  TrendMeter meter;
  for (int i = 0; i < 2000; ++i) {
    TrendSample task{.now_s = 0.5 * i,
                     .slots = 10,
                     .range_s = 0.25,
                     .preference = {.weights = {0.5, 0.5, 0, 0}},
                     .deadline_left_s = i % 2 == 0 ? std::optional(4.0) : std::nullopt};
    task.add_candidate(7);
    task.add_candidate(1);
    meter.observe(task);
    meter.take(3);
  }
  const Trend& trend = meter.trend();
  EXPECT_NEAR(trend.slow_load, 0.8, 0.01);
  EXPECT_NEAR(trend.fast_load, 0.8, 0.01);
  EXPECT_NEAR(trend.least_load, 0.2, 0.01);
  EXPECT_NEAR(trend.slow_taken, 0.6, 0.01);
  EXPECT_NEAR(trend.fast_taken, 0.6, 0.01);
  EXPECT_NEAR(trend.delay_price, 2, 1e-9);
  EXPECT_NEAR(trend.timed, 0.5, 0.01);
  EXPECT_NEAR(trend.urgency, 0.5 / 4, 0.01 / 4);
  EXPECT_NEAR(trend.preference[0], 0.5, 1e-9);
}

TEST(Trend, AFirstTaskSaysWhatItWantsAndNothingOfTheLoad) {
  TrendMeter meter;
  TrendSample task{
      .now_s = 1e9, .range_s = 2, .preference = {.weights = {1, 0, 0, 0}}, .deadline_left_s = {}};
  task.add_candidate(1);
  meter.observe(task);
  EXPECT_EQ(meter.trend().slow_load, 0);
  EXPECT_EQ(meter.trend().slow_taken, 0);
  EXPECT_DOUBLE_EQ(meter.trend().delay_price, 0.5);
}

TEST(Trend, ABurstShowsSoonAndATaskThatWentNowhereTakesNothing) {
  TrendMeter meter;
  double now_s = 0;
  const auto send = [&](int tasks, double gap_s, double taken_s) {
    for (int i = 0; i < tasks; ++i) {
      now_s += gap_s;
      TrendSample task{.now_s = now_s, .range_s = 1, .preference = {}, .deadline_left_s = {}};
      task.add_candidate(0.1);
      meter.observe(task);
      if (taken_s > 0) {
        meter.take(taken_s);
      }
    }
  };
  send(1000, 1, 0.1);
  send(30, 0.1, 0.1);
  EXPECT_GT(meter.trend().fast_taken, 2 * meter.trend().slow_taken);
  send(1000, 1, 0);
  EXPECT_NEAR(meter.trend().slow_taken, 0, 1e-3);
}

}  // namespace
}  // namespace skerry::scheduler
