// A second attempt of an interactive task while the first goes on: when it is made, and what becomes of
// the two.

#include <gmock/gmock.h>

#include "tests/unit/core_hedging_world.h"

namespace skerry::core {
namespace {

using ::testing::HasSubstr;

TEST_F(CoreHedging, ALateTaskOfAVariantThatIsGoneSinceIsLeftToItself) {
  const JobId id = hang(urgent());
  ModelManifest renamed = core->model("m")->manifest;
  renamed.variants[0].name = "v1";
  apply(PutModel{.ticket = ++tickets, .manifest = renamed});
  pass_alive(milliseconds(100));
  EXPECT_EQ(attempts(id), 1u);
  EXPECT_THAT(verdicts(id), ::testing::Contains(HedgeVerdict::kUncertain));
}

TEST_F(CoreHedging, ALateTaskGetsASecondAttemptOnAnotherNode) {
  const JobId id = hang(urgent());
  EXPECT_EQ(attempts(id), 1u);
  pass_alive(milliseconds(100));
  ASSERT_EQ(attempts(id), 2u);
  const Job& job = *core->find_job(id);
  EXPECT_NE(job.live[0].node, job.live[1].node);
  EXPECT_EQ(job.state, TaskState::kRunning) << "the first goes on";
  EXPECT_EQ(last_assigned(node_of(id, 1)), attempt_of(id, 1));
  pass_alive(seconds(3));
  EXPECT_EQ(attempts(id), 2u) << "never a third";
  EXPECT_EQ(job.attempts, 2u);
}

TEST_F(CoreHedging, TheRecordSaysWhy) {
  const JobId id = hang(urgent());
  pass_alive(milliseconds(100));
  std::vector<DecisionRecord> decisions;
  for (const auto& write : written) {
    if (const auto* decision = std::get_if<DecisionRecord>(&write);
        decision && decision->job == id) {
      decisions.push_back(*decision);
    }
  }
  ASSERT_EQ(decisions.size(), 2u);
  EXPECT_EQ(decisions[0].hedge_reason, "");
  EXPECT_EQ(decisions[1].policy, "hedge");
  EXPECT_THAT(decisions[1].hedge_reason, HasSubstr("where 1"));  // about 10 ms were predicted
  EXPECT_THAT(decisions[1].hedge_reason, HasSubstr("is expected to save"));
  EXPECT_EQ(decisions[1].candidates.at(decisions[1].chosen).node,
            core->find_job(id)->live[1].node_name);
  EXPECT_LT(decisions[1].candidates.at(decisions[1].chosen).score, 0)
      << "it gains more than it costs";
  EXPECT_THAT(told<JobChanged>().back().reason, HasSubstr("hedge: "));
}

TEST_F(CoreHedging, TheFirstResultWinsAndTheOtherAttemptIsCancelled) {
  const JobId id = hang(urgent());
  pass_alive(milliseconds(100));
  const AttemptRef first = attempt_of(id, 0);
  const SessionId late = node_of(id, 0);
  settle(milliseconds(10), node_of(id, 1), attempt_of(id, 1));
  EXPECT_EQ(state(id), TaskState::kSucceeded);
  EXPECT_EQ(core->find_job(id)->result->attempt, 2u);
  EXPECT_EQ(sent<CancelAttempt>(late).back().attempt, first);
  EXPECT_EQ(ends(), (std::vector{HedgeEnd::kWon}));
  EXPECT_GT(told<HedgeEnded>().back().spent_j, 0);
  settle(milliseconds(1), late, first);
  EXPECT_FALSE(sent<AckResult>(late).back().committed);
  EXPECT_EQ(core->find_job(id)->result->attempt, 2u);
}

TEST_F(CoreHedging, IfTheFirstIsSoonerAfterAllTheSecondIsCancelled) {
  const JobId id = hang(urgent());
  pass_alive(milliseconds(100));
  const AttemptRef second = attempt_of(id, 1);
  const SessionId other = node_of(id, 1);
  settle(milliseconds(1), node_of(id, 0), attempt_of(id, 0));
  EXPECT_EQ(core->find_job(id)->result->attempt, 1u);
  EXPECT_EQ(sent<CancelAttempt>(other).back().attempt, second);
  EXPECT_EQ(ends(), (std::vector{HedgeEnd::kLost}));
  const auto outstanding = [&] {
    return core->node("one")->outstanding + core->node("two")->outstanding;
  };
  EXPECT_EQ(outstanding(), 1u) << "the cancelled one holds its slot until it is over";
  finish(other, second, AttemptOutcome::kCancelled);
  EXPECT_EQ(outstanding(), 0u);
}

TEST_F(CoreHedging, WhoCaresForEnergyWaits) {
  const JobId id = hang(urgent("green"));
  pass_alive(milliseconds(400));
  EXPECT_EQ(attempts(id), 1u);
  EXPECT_THAT(verdicts(id), testing::Each(HedgeVerdict::kNotWorth));
  EXPECT_GE(verdicts(id).size(), 3u) << "and is looked at again, each time later";
  EXPECT_LE(verdicts(id).size(), 10u);
}

TEST_F(CoreHedging, ButNotBeyondItsDeadline) {
  JobSpec job = urgent("green");
  job.constraints.deadline = now + milliseconds(120);
  const JobId id = hang(job);
  pass(milliseconds(110));
  ASSERT_EQ(attempts(id), 2u);
  settle(milliseconds(5), node_of(id, 1), attempt_of(id, 1));
  EXPECT_EQ(state(id), TaskState::kSucceeded);
}

TEST_F(CoreHedging, WhatIsLeftOfTheTasksEnergyBoundsTheSecond) {
  JobSpec job = urgent();
  job.constraints.max_energy_j = 0.08;  // one attempt takes 0.05
  const JobId id = hang(job);
  pass_alive(milliseconds(300));
  EXPECT_EQ(attempts(id), 1u);
  EXPECT_THAT(verdicts(id), testing::Each(HedgeVerdict::kNoNode));
}

TEST_F(CoreHedging, OnlyInteractiveTasksAndNoneOfASequence) {
  JobSpec normal = urgent();
  normal.urgency = Urgency::kNormal;
  JobSpec step = urgent();
  step.sequence = "s";
  const JobId a = hang(normal);
  const JobId b = hang(step);
  pass_alive(seconds(1));
  EXPECT_EQ(attempts(a) + attempts(b), 2u);
  EXPECT_TRUE(verdicts(a).empty());
  EXPECT_TRUE(verdicts(b).empty());
}

TEST_F(CoreHedging, OffMeansOff) {
  settings.hedging = false;
  begin();
  const JobId id = hang(urgent());
  pass_alive(seconds(1));
  EXPECT_EQ(attempts(id), 1u);
  EXPECT_TRUE(verdicts(id).empty());
}

TEST_F(CoreHedging, NotWhileLittleIsKnownOfTheModel) {
  settings.hedge_min_outcomes = kKnown + 1;
  begin();
  const JobId id = hang(urgent());
  pass_alive(milliseconds(200));
  EXPECT_EQ(attempts(id), 1u);
  EXPECT_THAT(verdicts(id), testing::Each(HedgeVerdict::kUncertain));
}

TEST_F(CoreHedging, NotOnANodeThatIsBusyOrWouldHaveToLoadIt) {
  const JobId id = hang(urgent());
  const SessionId other = node_of(id, 0) == one ? two : one;
  JobSpec filler = urgent("green");
  filler.constraints.node = other == one ? "one" : "two";
  hang(filler);
  hang(filler);  // both of its slots
  pass_alive(milliseconds(200));
  EXPECT_EQ(attempts(id), 1u);
  EXPECT_THAT(verdicts(id), testing::Each(HedgeVerdict::kNoNode));
}

TEST_F(CoreHedging, NotWhereTheVariantIsNotLoaded) {
  const JobId id = hang(urgent());
  apply(ResidentChanged{node_of(id, 0) == one ? two : one, {}});
  pass_alive(milliseconds(200));
  EXPECT_EQ(attempts(id), 1u);
  EXPECT_THAT(verdicts(id), testing::Each(HedgeVerdict::kNoNode));
}

TEST_F(CoreHedging, NotWhileInteractiveTasksWait) {
  const JobId id = hang(urgent());
  JobSpec elsewhere = urgent();
  elsewhere.constraints.labels["gpu"] = "yes";  // nobody's
  submit(elsewhere);
  pass_alive(milliseconds(200));
  EXPECT_EQ(attempts(id), 1u);
  EXPECT_THAT(verdicts(id), testing::Each(HedgeVerdict::kHeldBack));
}

TEST_F(CoreHedging, OnlySoManyForEachTaskThatIsPlaced) {
  settings.hedge_budget = 0.01;  // 200 tasks were placed: two second attempts
  begin();
  int made = 0;
  for (int i = 0; i < 6; ++i) {
    const JobId id = hang(urgent());
    pass_alive(milliseconds(200));
    made += attempts(id) == 2 ? 1 : 0;
    const auto last = verdicts(id);
    const auto live = core->find_job(id)->live;
    EXPECT_EQ(attempts(id) == 2, last.back() == HedgeVerdict::kMade);
    EXPECT_TRUE(attempts(id) == 2 || last.back() == HedgeVerdict::kNoBudget);
    apply(CancelJob{.ticket = ++tickets, .job = id});
    for (const Attempt& attempt : live) {
      finish(attempt.node_name == "one" ? one : two,
             {.job = id, .number = attempt.number, .uid = attempt.uid}, AttemptOutcome::kCancelled);
    }
  }
  EXPECT_EQ(made, 2);
  EXPECT_EQ(ends(), (std::vector{HedgeEnd::kDropped, HedgeEnd::kDropped}));
}

TEST_F(CoreHedging, NotWhileTheFirstIsSilent) {
  const JobId id = hang(urgent());
  apply(SessionClosed{node_of(id, 0), false});
  pass(milliseconds(900));
  EXPECT_EQ(attempts(id), 1u) << "it may be back in a moment, and is placed again if not";
  EXPECT_EQ(verdicts(id).back(), HedgeVerdict::kHeldBack);
}

TEST_F(CoreHedging, NoThirdWhereATaskThatWasPlacedAgainIsHeardOfTwice) {
  const SessionId third = connect_loaded("three");
  for (int i = 0; i < 20; ++i) {
    JobSpec job = urgent();
    job.constraints.node = "three";
    const JobId id = submit(job);
    settle(milliseconds(10), third, attempt_of(id, 0));
  }
  JobSpec job = urgent();
  job.constraints.tiers = {scheduler::Tier::kEdge};
  const JobId id = hang(job);
  const Attempt first = core->find_job(id)->live.front();
  const std::map<std::string, SessionId> sessions = {{"one", one}, {"two", two}, {"three", third}};
  apply(SessionClosed{sessions.at(first.node_name), false});
  pass(milliseconds(1001));
  ASSERT_EQ(core->find_job(id)->live.size(), 2u) << "it was given up, and the task placed again";
  connect(first.node_name, 4, {{.job = id, .number = first.number, .uid = first.uid}});
  pass(milliseconds(500));
  EXPECT_EQ(attempts(id), 2u);
  EXPECT_EQ(core->find_job(id)->attempts, 2u);
}

TEST_F(CoreHedging, ASecondThatFailsCostsNoRetryAndTheFirstGoesOn) {
  const JobId id = hang(urgent());
  pass_alive(milliseconds(100));
  finish(node_of(id, 1), attempt_of(id, 1), AttemptOutcome::kInfrastructure);
  EXPECT_EQ(state(id), TaskState::kRunning);
  EXPECT_EQ(core->find_job(id)->retries, Retries{});
  EXPECT_EQ(ends(), (std::vector{HedgeEnd::kFailed}));
}

TEST_F(CoreHedging, IfTheFirstFailsTheSecondGoesOn) {
  const JobId id = hang(urgent());
  pass_alive(milliseconds(100));
  finish(node_of(id, 0), attempt_of(id, 0), AttemptOutcome::kInfrastructure);
  EXPECT_EQ(state(id), TaskState::kRunning);
  settle(milliseconds(10), node_of(id, 0), attempt_of(id, 0));
  EXPECT_EQ(core->find_job(id)->result->attempt, 2u);
  EXPECT_EQ(ends(), (std::vector{HedgeEnd::kWon}));
}

TEST_F(CoreHedging, APoisonTaskIsQuarantinedAfterTwoNodesAllTheSame) {
  const JobId id = hang(urgent());
  pass_alive(milliseconds(100));
  finish(node_of(id, 0), attempt_of(id, 0), AttemptOutcome::kCrashed);
  EXPECT_FALSE(is_terminal(state(id)));
  finish(node_of(id, 0), attempt_of(id, 0), AttemptOutcome::kCrashed);
  EXPECT_EQ(state(id), TaskState::kQuarantined);
}

TEST_F(CoreHedging, ANodeWhoseRunsAreAlwaysOvertakenIsKnownToBeSlow) {
  const auto service_of = [&](SessionId session) {
    const NodeId node = core->node(session == one ? "one" : "two")->id;
    return core->fleet().service(node, core->fleet().find_model("m")->variants.at(0)).mean;
  };
  const double before = service_of(one);
  for (int i = 0; i < 3; ++i) {
    const JobId id = hang(urgent());
    const SessionId slow = node_of(id, 0);
    const double known = service_of(slow);
    pass_alive(milliseconds(200));
    ASSERT_EQ(attempts(id), 2u);
    const AttemptRef first = attempt_of(id, 0);
    settle(milliseconds(10), node_of(id, 1), attempt_of(id, 1));
    EXPECT_GT(service_of(slow), known);
    finish(slow, first, AttemptOutcome::kCancelled);
  }
  EXPECT_GT(service_of(one), before);
}

TEST_F(CoreHedging, StopsWhereSecondAttemptsNeverEndFirst) {
  settings.hedge_budget = 1;
  begin();
  int made = 0;
  for (int i = 0; i < 30; ++i) {  // the input itself takes long, wherever it runs
    const JobId id = hang(urgent("balanced"));
    pass_alive(milliseconds(300));
    made += attempts(id) == 2 ? 1 : 0;
    const auto live = core->find_job(id)->live;
    settle(milliseconds(1), node_of(id, 0), attempt_of(id, 0));
    if (live.size() == 2) {
      finish(live[1].node_name == "one" ? one : two,
             {.job = id, .number = live[1].number, .uid = live[1].uid}, AttemptOutcome::kCancelled);
    }
  }
  EXPECT_GE(made, 1);
  EXPECT_LT(made, 15);
}

TEST_F(CoreHedging, BothAttemptsOutliveARestart) {
  const JobId id = hang(urgent());
  pass_alive(milliseconds(100));
  const AttemptRef first = attempt_of(id, 0);
  const AttemptRef second = attempt_of(id, 1);
  const bool first_on_one = node_of(id, 0) == one;
  restart(stored());
  one = connect("one", 4, {first_on_one ? first : second});
  two = connect("two", 4, {first_on_one ? second : first});
  EXPECT_EQ(attempts(id), 2u);
  settle(milliseconds(1), first_on_one ? one : two, first);
  EXPECT_EQ(state(id), TaskState::kSucceeded);
  EXPECT_EQ(sent<CancelAttempt>(first_on_one ? two : one).back().attempt, second);
}

}  // namespace
}  // namespace skerry::core
