// Tests of what is counted of shadows, and of the breaker around the active policy.

#include <gmock/gmock.h>

#include "tests/unit/core_policies_world.h"

namespace skerry::core {
namespace {

TEST_F(Policies, ShadowsAreCountedAndChooseWithoutEffect) {
  two_nodes();
  put("same", "same v1 greedy");
  put("last", "last v1 last");
  put("bad", "bad v1 nan");
  for (const char* const name : {"same", "last", "bad"}) {
    change(name, PolicyAction::kShadow);
  }
  run_jobs(40);
  EXPECT_EQ(shadow("same").decisions, 40u);
  EXPECT_EQ(shadow("same").agreed, 40u);
  EXPECT_EQ(shadow("same").regret, 0);
  EXPECT_EQ(shadow("same").outcomes.matched, 40u);
  EXPECT_NEAR(estimate(shadow("same").outcomes).difference, 0, 1e-9)
      << "where both agree, what was measured counts";
  EXPECT_EQ(shadow("last").agreed, 0u);
  EXPECT_GE(shadow("last").regret, 0);
  EXPECT_EQ(shadow("last").outcomes.outcomes, 40u);
  EXPECT_EQ(shadow("bad").failed, 40u);
  EXPECT_EQ(shadow("bad").outcomes.outcomes, 0u);
}

TEST_F(Policies, TheRecordSaysWhatShadowsWouldHaveChosenAndAllThatScoringTakes) {
  two_nodes();
  put("last", "last v1 last");
  change("last", PolicyAction::kShadow);
  submit(spec());
  const auto record = std::ranges::find_if(written, [](const RecordWrite& write) {
    return std::holds_alternative<DecisionRecord>(write);
  });
  ASSERT_NE(record, written.end());
  const auto& decision = std::get<DecisionRecord>(*record);
  EXPECT_EQ(decision.considered, 2u);
  ASSERT_EQ(decision.candidates.size(), 2u);
  EXPECT_EQ(decision.candidates[decision.chosen].node, "a");
  EXPECT_EQ(decision.candidates.at(*decision.shadows.at(0).chosen).node, "b");
  EXPECT_EQ(decision.candidates[0].facts.slots, 2);
  EXPECT_EQ(decision.candidates[0].facts.outstanding, 0);
  EXPECT_EQ(decision.model, "m");
}

TEST_F(Policies, TheRecordSaysHowManyOthersWait) {
  two_nodes();
  apply(Submit{.ticket = ++tickets, .jobs = {spec(), spec(), spec()}});
  std::vector<std::uint64_t> waiting;
  for (const RecordWrite& write : written) {
    if (const auto* decision = std::get_if<DecisionRecord>(&write)) {
      waiting.push_back(decision->waiting);
    }
  }
  EXPECT_THAT(waiting, ::testing::ElementsAre(2u, 1u, 0u));
}

TEST_F(Policies, OneDecisionInAFewIsRecordedWithAllItsCandidates) {
  settings.trace_every = 4;
  restart({});
  put_model("m", std::vector<double>(20, 0.9));
  first = connect("a", 8);
  for (int i = 0; i < 5; ++i) {
    submit(spec());
  }
  std::vector<std::size_t> recorded;
  for (const RecordWrite& write : written) {
    if (const auto* decision = std::get_if<DecisionRecord>(&write)) {
      EXPECT_EQ(decision->considered, 20u);
      recorded.push_back(decision->candidates.size());
    }
  }
  EXPECT_THAT(recorded, ::testing::ElementsAre(20u, 16u, 16u, 16u, 20u));
}

TEST_F(Policies, APoisonedPolicyTripsItsBreakerAndEveryJobIsPlaced) {
  two_nodes();
  put("bad", "bad v1 nan");
  change("bad", PolicyAction::kPromote);
  run_jobs(5);
  EXPECT_EQ(core->policies().breaker->state, scheduler::BreakerState::kOpen);
  const auto told_breaker = told<BreakerChanged>();
  ASSERT_EQ(told_breaker.size(), 1u);
  EXPECT_EQ(told_breaker[0].state, "open");
  EXPECT_EQ(told_breaker[0].fault, "not_finite");
  EXPECT_EQ(told_breaker[0].policy, "bad");
  for (const auto& decision : told<DecisionMade>()) {
    EXPECT_TRUE(decision.placed && decision.fallback);
  }
  now += seconds(10);
  run_jobs(1);
  EXPECT_EQ(told<BreakerChanged>().back().state, "open") << "a bad trial";
  change("greedy", PolicyAction::kPromote);
  EXPECT_FALSE(core->policies().breaker);
}

TEST_F(Policies, NewsOfABreakerDoNotOvertakeThePromotion) {
  two_nodes();
  put("bad", "bad v1 nan");
  change("bad", PolicyAction::kPromote);
  run_jobs(5);
  const auto waits_for = [this](auto is) {
    const auto output = std::ranges::find_if(held, [&](const Output& one) { return is(one.what); });
    EXPECT_NE(output, held.end());
    return output == held.end() ? BatchNumber{} : output->after;
  };
  const auto promoted = waits_for([](const auto& what) {
    const auto* happening = std::get_if<Happening>(&what);
    const auto* change = happening == nullptr ? nullptr : std::get_if<PolicyChanged>(happening);
    return change != nullptr && change->change == "promoted";
  });
  const auto tripped = waits_for([](const auto& what) {
    const auto* happening = std::get_if<Happening>(&what);
    return happening != nullptr && std::holds_alternative<BreakerChanged>(*happening);
  });
  EXPECT_GT(promoted, BatchNumber{}) << "it waits for its record";
  EXPECT_GE(tripped, promoted);
}

TEST_F(Policies, AGoodBundleClosesItsBreakerAgain) {
  two_nodes();
  put("bad", "bad v1 nan");
  change("bad", PolicyAction::kPromote);
  run_jobs(2);
  put("bad", "bad v2 greedy");
  change("bad", PolicyAction::kPromote);
  EXPECT_EQ(core->policies().breaker->state, scheduler::BreakerState::kClosed);
  run_jobs(3);
  EXPECT_EQ(core->policies().breaker->trips, 0u);
}

TEST_F(Policies, APolicyWhoseChoicesTurnOutFarWorseThanGreedyExpectedDrifts) {
  two_nodes();
  put("last", "last v1 last");
  change("last", PolicyAction::kPromote);
  for (int i = 0; i < 8; ++i) {
    JobSpec job = spec();
    job.preference = *scheduler::preset("fast");
    const JobId id = submit(job);
    const SessionId session = placed_on(id);
    pass(seconds(2));  // far more than predicted
    finish(session, last_assigned(session));
  }
  const auto breaker = core->policies().breaker;
  EXPECT_EQ(breaker->state, scheduler::BreakerState::kOpen);
  EXPECT_EQ(breaker->fault, "drift");
  EXPECT_GT(breaker->drift, breaker->drift_limit);
  submit(spec());
  EXPECT_EQ(told<DecisionMade>().back().policy, "greedy");
}

TEST_F(Policies, OutcomesOfAnEarlierPolicyAreNotHeldAgainstTheNext) {
  two_nodes();
  put("last", "last v1 last");
  change("last", PolicyAction::kPromote);
  std::vector<JobId> jobs;
  for (int i = 0; i < 8; ++i) {
    JobSpec job = spec();
    job.preference = *scheduler::preset("fast");
    jobs.push_back(submit(job));
  }
  put("next", "next v1 greedy");
  change("next", PolicyAction::kPromote);
  pass(seconds(2));
  for (const JobId id : jobs) {
    if (!core->find_job(id)->live.empty()) {
      const SessionId session = placed_on(id);
      for (const auto& assigned : sent<AssignAttempt>(session)) {
        if (assigned.attempt.job == id) {
          finish(session, assigned.attempt);
        }
      }
    }
  }
  EXPECT_EQ(core->policies().breaker->state, scheduler::BreakerState::kClosed);
}

}  // namespace
}  // namespace skerry::core
