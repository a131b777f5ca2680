// How far attempts overrun, and when a second one pays.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/random.h"
#include "scheduler/hedge.h"

namespace skerry::scheduler {
namespace {

// Of these, those that are on time lie around the prediction as a normal distribution has them.
Tail tail_of(int on_time, int slow, double slow_overrun) {
  Tail tail;
  Random random(3);
  for (int i = 0; i < on_time + slow; ++i) {
    const bool is_slow = slow > 0 && i % ((on_time + slow) / slow) == 0;
    tail.observe(is_slow ? slow_overrun : random.normal(0, 1));
  }
  return tail;
}

TEST(Tail, NothingSeenIsExpectedToTakeAsLongAgain) {
  const Tail tail;
  EXPECT_DOUBLE_EQ(tail.beyond(0), 1);
  EXPECT_DOUBLE_EQ(tail.beyond(9), 0.01);
  EXPECT_DOUBLE_EQ(tail.excess(9, 9), 10)
      << "what has passed, counted from a deviation before the mean";
}

TEST(Tail, TellsTheShareBeyondAndWhereItIsReached) {
  const Tail tail = tail_of(390, 10, 60);
  EXPECT_NEAR(tail.beyond(10), 0.025, 0.003);
  EXPECT_NEAR(tail.beyond(-1), 1, 1e-9);
  EXPECT_LT(tail.beyond(200), 1e-4);
  EXPECT_LT(tail.exceeded_by(0.05), 4);
  EXPECT_GT(tail.exceeded_by(0.01), 40);
}

TEST(Tail, WhatIsLateIsExpectedToTakeAsLongAsWhatWasAsLate) {
  const Tail tail = tail_of(390, 10, 60);
  EXPECT_NEAR(tail.excess(4, 4), 56, 8) << "past all but the slow ones, it is one of them";
  EXPECT_NEAR(tail.excess(4, 30), 30, 8);
  EXPECT_LT(tail.excess(0, 0), 6) << "nearly all are about to end";
  EXPECT_GE(tail.excess(4, 4), tail.excess(4, 30));
}

TEST(Tail, FollowsADistributionOfWhichTheAnswersAreKnown) {
  Tail tail;
  Random random(7);
  for (int i = 0; i < 3000; ++i) {
    tail.observe(random.exponential(8));
  }
  EXPECT_NEAR(tail.beyond(8), std::exp(-1.0), 0.05);
  EXPECT_NEAR(tail.excess(8, 8), 8, 1) << "an exponential one forgets how long it has taken";
  EXPECT_NEAR(tail.excess(8, 16), 8 * std::exp(-1.0), 0.6);
}

TEST(Tail, ACancelledOneCountsAsThoseThatWereAsLateAndWentOn) {
  Tail cancelled = tail_of(390, 10, 60);
  Tail seen = cancelled;
  for (int i = 0; i < 100; ++i) {
    cancelled.observe_at_least(4);
    seen.observe(4);
  }
  EXPECT_NEAR(cancelled.excess(4, 4), 56, 8);
  EXPECT_GT(cancelled.beyond(40), 0.15) << "not as if they had ended when they were cancelled";
  EXPECT_LT(seen.beyond(40), 0.05);
}

TEST(Tail, ForgetsWhatIsLongAgoAndIgnoresWhatIsNoNumber) {
  Tail tail = tail_of(0, 100, 60);
  for (int i = 0; i < 10'000; ++i) {
    tail.observe(-0.5);
  }
  EXPECT_LT(tail.beyond(10), 1e-3);
  const double before = tail.beyond(1);
  tail.observe(std::nan(""));
  tail.observe_at_least(std::numeric_limits<double>::infinity());
  EXPECT_EQ(tail.beyond(1), before);
}

// A first attempt that was predicted to take 100 ms, give or take 10; and another node like the first's.
class Hedge : public ::testing::Test {
 protected:
  Hedge() {
    second.prediction.objectives = {
        .latency_s = 0.1, .energy_j = 2, .cost_usd = 1e-6, .error = 0.1};
    second.prediction.latency_deviation_s = 0.01;
    scale.ideal = second.prediction.objectives;
    scale.nadir = {.latency_s = 0.2, .energy_j = 4, .cost_usd = 2e-6, .error = 0.2};
  }
  HedgeWorth after(double elapsed_s, std::string_view preset_name,
                   std::optional<double> deadline_left_s = {}) const {
    const Running first{
        .predicted_s = 0.1, .deviation_s = 0.01, .elapsed_s = elapsed_s, .error = 0.1};
    return worth_of(first, second, tail, scale, *preset(preset_name), deadline_left_s);
  }

  Tail tail = tail_of(990, 10, 90);  // one in a hundred takes 1 s
  Candidate second;
  Scale scale;
};

TEST_F(Hedge, PaysOnceOnlySlowOnesAreLeft) {
  EXPECT_FALSE(after(0.1, "balanced").pays());
  EXPECT_TRUE(after(0.2, "balanced").pays());
  EXPECT_NEAR(after(0.2, "balanced").saved_s, 0.7, 0.15) << "of the 800 ms left, 100 ms for itself";
  EXPECT_GT(after(0.2, "balanced").chance_earlier, 0.95);
}

TEST_F(Hedge, PaysSoonForTheHurriedAndHardlyEverForTheThrifty) {
  EXPECT_TRUE(after(0.12, "fast").pays());
  EXPECT_FALSE(after(0.2, "green").pays());
  EXPECT_FALSE(after(0.2, "cheap").pays());
}

TEST_F(Hedge, DoesNotPayWhereNothingIsEverSlow) {
  tail = tail_of(1000, 0, 0);
  EXPECT_FALSE(after(0.12, "balanced").pays());
  EXPECT_FALSE(after(0.14, "balanced").pays());
}

TEST_F(Hedge, PaysAlsoForWhatIsLateBeyondAllThatWasSeen) {
  tail = tail_of(1000, 0, 0);
  EXPECT_TRUE(after(2, "balanced").pays());
}

TEST_F(Hedge, DoesNotPayOnANodeThatIsLaterStill) {
  second.prediction.objectives.latency_s = 3;
  EXPECT_FALSE(after(0.2, "fast").pays());
}

TEST_F(Hedge, PaysForADeadlineThatWouldBeMissedEvenTheThrifty) {
  EXPECT_TRUE(after(0.2, "green", 0.3).pays());
  EXPECT_GT(after(0.2, "green", 0.3).miss_averted, 0.9);
  EXPECT_FALSE(after(0.2, "green", 10).pays()) << "there is time";
  EXPECT_LT(after(0.2, "green", 0.09).miss_averted, 0.2) << "it would be too late as well";
}

TEST_F(Hedge, AWorseAnswerIsPartOfThePrice) {
  const double alike = after(0.2, "accurate").price;
  second.prediction.objectives.error = 0.2;
  EXPECT_GT(after(0.2, "accurate").price, alike + 0.8);
}

TEST_F(Hedge, WhatHasNoRangeWeighsNothing) {
  scale.nadir = scale.ideal;
  EXPECT_EQ(after(0.2, "fast").gain, 0);
  EXPECT_EQ(after(0.2, "fast").price, 0);
  EXPECT_FALSE(after(0.2, "fast").pays());
}

}  // namespace
}  // namespace skerry::scheduler
