// Tests of the breaker around a policy, and of the watch for drift inside it.

#include <gtest/gtest.h>

#include "scheduler/breaker.h"
#include "scheduler/objectives.h"

namespace skerry::scheduler {
namespace {

class ABreaker : public ::testing::Test {
 protected:
  bool asked_and_good(Duration took = Duration(0)) {
    if (!breaker.asks(now)) {
      return false;
    }
    breaker.answered(took, now);
    return true;
  }
  void trip() {
    ASSERT_TRUE(breaker.asks(now));
    breaker.refused(Fault::kNotFinite, "NaN", now);
    ASSERT_EQ(breaker.state(), BreakerState::kOpen);
  }

  const BreakerOptions options{.slow = milliseconds(2),
                               .slow_in_a_row = 3,
                               .recent = 8,
                               .rest = seconds(10),
                               .longest_rest = seconds(35),
                               .trial_every = 4,
                               .good_trials = 2,
                               .drift = {.window = 8, .ratio = 2}};
  Instant now = instant_from_us(1'000'000'000);
  Breaker breaker{options};
};

TEST_F(ABreaker, StaysClosedWhileAnswersAreGood) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(asked_and_good());
  }
  EXPECT_EQ(breaker.state(), BreakerState::kClosed);
  EXPECT_EQ(breaker.changes(), 0u);
}

TEST_F(ABreaker, OpensAtOnceOnAnAnswerThatCannotBeUsed) {
  for (const Fault fault : {Fault::kNotFinite, Fault::kFailed}) {
    breaker = Breaker(options);
    ASSERT_TRUE(breaker.asks(now));
    breaker.refused(fault, "why", now);
    EXPECT_EQ(breaker.state(), BreakerState::kOpen);
    EXPECT_EQ(breaker.last_fault(), fault);
    EXPECT_EQ(breaker.reason(), "why");
    EXPECT_FALSE(breaker.asks(now + seconds(9)));
  }
}

TEST_F(ABreaker, OneSlowAnswerDoesNotTripButSeveralInARowDo) {
  asked_and_good(milliseconds(3));
  asked_and_good(milliseconds(3));
  asked_and_good(milliseconds(1));
  asked_and_good(milliseconds(3));
  asked_and_good(milliseconds(3));
  EXPECT_EQ(breaker.state(), BreakerState::kClosed);
  asked_and_good(milliseconds(3));
  EXPECT_EQ(breaker.state(), BreakerState::kOpen);
  EXPECT_EQ(breaker.last_fault(), Fault::kSlow);
}

TEST_F(ABreaker, OneOddInputDoesNotTripButMostOfTheRecentOnesDo) {
  ASSERT_TRUE(breaker.asks(now));
  breaker.refused(Fault::kOutOfRange, "odd", now);
  EXPECT_EQ(breaker.state(), BreakerState::kClosed);
  for (int i = 0; i < 20 && breaker.state() == BreakerState::kClosed; ++i) {
    ASSERT_TRUE(breaker.asks(now));
    breaker.refused(Fault::kOutOfRange, "odd", now);
  }
  EXPECT_EQ(breaker.last_fault(), Fault::kOutOfRange);
  EXPECT_EQ(breaker.state(), BreakerState::kOpen);
}

TEST_F(ABreaker, AfterItsRestTriesOneDecisionInAFewAndClosesWhenTheyAreGood) {
  trip();
  now += seconds(10);
  std::string asked;
  for (int i = 0; i < 6; ++i) {
    asked += asked_and_good() ? '1' : '0';
  }
  EXPECT_EQ(asked, "100011");  // two good trials, then closed
  EXPECT_EQ(breaker.state(), BreakerState::kClosed);
}

TEST_F(ABreaker, ABadTrialOpensItAgainForLongerUpToALimit) {
  trip();
  for (const Duration rest : {seconds(10), seconds(20), seconds(35), seconds(35)}) {
    EXPECT_FALSE(breaker.asks(now + rest - Duration(1)));
    now += rest;
    ASSERT_TRUE(breaker.asks(now));
    EXPECT_EQ(breaker.state(), BreakerState::kHalfOpen);
    breaker.refused(Fault::kNotFinite, "NaN", now);
    EXPECT_EQ(breaker.state(), BreakerState::kOpen);
  }
  EXPECT_EQ(breaker.trips(), 5u);
}

TEST_F(ABreaker, ASlowTrialIsABadOne) {
  trip();
  now += seconds(10);
  asked_and_good(milliseconds(3));
  EXPECT_EQ(breaker.state(), BreakerState::kOpen);
  EXPECT_EQ(breaker.last_fault(), Fault::kSlow);
}

TEST_F(ABreaker, OutcomesThatGrowAwayFromGreedysExpectationTripIt) {
  for (int i = 0; i < 64; ++i) {
    breaker.policy_outcome(1.5, now);
  }
  EXPECT_EQ(breaker.state(), BreakerState::kClosed);
  for (int i = 0; i < 8; ++i) {
    breaker.policy_outcome(2.5, now);
  }
  EXPECT_EQ(breaker.state(), BreakerState::kOpen);
  EXPECT_EQ(breaker.last_fault(), Fault::kDrift);
}

TEST_F(ABreaker, WhereGreedyDoesNoBetterThePolicyIsNotToBlame) {
  for (int i = 0; i < 8; ++i) {
    breaker.greedy_outcome(2);  // predictions are off by so much
  }
  for (int i = 0; i < 64; ++i) {
    breaker.policy_outcome(2.5, now);
  }
  EXPECT_EQ(breaker.state(), BreakerState::kClosed);
  EXPECT_DOUBLE_EQ(breaker.drift().limit(), 4);
}

TEST(RelativeCost, WeighsEachObjectiveByThePreference) {
  const Preference half{{0.5, 0.5, 0, 0}};
  EXPECT_DOUBLE_EQ(relative_cost(half, {2, 1, 7, 7}, {1, 2, 0, 0}), 0.5 * 2 + 0.5 * 0.5);
  EXPECT_DOUBLE_EQ(relative_cost(half, {1000, 0, 0, 0}, {1, 0, 0, 0}), 0.5 * 10 + 0.5)
      << "an outlier is bounded, and nothing where nothing was expected is as expected";
}

}  // namespace
}  // namespace skerry::scheduler
