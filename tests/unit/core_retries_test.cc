// Attempts that fail or are given back: what is tried again, where, and how often.

#include "tests/unit/core_world.h"

namespace skerry::core {
namespace {

using CoreRetries = CoreWorld;

TEST_F(CoreRetries, InfrastructureFailuresAreTriedElsewhereUpToTheBudget) {
  settings.max_infrastructure_retries = 2;
  restart({});
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  for (int i = 0; i < 3; ++i) {
    ASSERT_FALSE(is_terminal(state(id)));
    pass(seconds(1));
    apply(AgentHeartbeat{.session = n1});
    finish(n1, last_assigned(n1), AttemptOutcome::kInfrastructure);
  }
  EXPECT_EQ(state(id), TaskState::kFailed);
  EXPECT_EQ(core->find_job(id)->attempts, 3u);
}

TEST_F(CoreRetries, ActualLatencyIsOfTheAttemptAsThePredictionIs) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  pass(milliseconds(500));
  finish(n1, last_assigned(n1), AttemptOutcome::kInfrastructure);
  pass(milliseconds(500));  // more than its pause
  const Duration since = now - core->find_job(id)->live.at(0).leased_at;
  pass(milliseconds(10));
  finish(n1, last_assigned(n1));
  const Job& job = *core->find_job(id);
  EXPECT_EQ(job.result->actual.latency_s, to_seconds(since + milliseconds(10)));
  EXPECT_EQ(told<JobEnded>().back().total, milliseconds(1010)) << "the client waited for both";
}

TEST_F(CoreRetries, ATaskThatFailedOnTheOnlyNodeLeftIsTriedThereAgainAndDoesNotWaitForADeadOne) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  const auto n2 = connect("n2");
  finish(n1, last_assigned(n1), AttemptOutcome::kInfrastructure);
  apply(SessionClosed{n2, false});
  pass(milliseconds(500));
  EXPECT_EQ(state(id), TaskState::kReady) << "the other may be back in a moment";
  pass(seconds(1));
  EXPECT_EQ(core->node("n2")->state, NodeState::kDisconnected);
  EXPECT_EQ(state(id), TaskState::kLeased);
}

TEST_F(CoreRetries, TheUsersErrorIsNeverTriedAgain) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  finish(n1, last_assigned(n1), AttemptOutcome::kModelFailed);
  EXPECT_EQ(state(id), TaskState::kFailed);
  EXPECT_EQ(core->find_job(id)->result->error->code, ErrorCode::kModelFailed);
}

TEST_F(CoreRetries, ATaskThatCrashesRunnersOnTwoNodesIsQuarantined) {
  put_model();
  const auto n1 = connect("n1");
  const auto n2 = connect("n2");
  const JobId id = submit(spec());
  const auto first = sent<AssignAttempt>(n1).empty() ? n2 : n1;
  const auto second = first == n1 ? n2 : n1;
  finish(first, last_assigned(first), AttemptOutcome::kCrashed);
  EXPECT_EQ(state(id), TaskState::kBackoff);
  pass(seconds(1));
  ASSERT_EQ(last_assigned(second).job, id);
  finish(second, last_assigned(second), AttemptOutcome::kCrashed);
  EXPECT_EQ(state(id), TaskState::kQuarantined);
  const Error& evidence = *core->find_job(id)->result->error;
  EXPECT_EQ(evidence.code, ErrorCode::kQuarantined);
  EXPECT_NE(evidence.message.find("2 times"), std::string::npos) << evidence.message;
  EXPECT_NE(evidence.message.find("why"), std::string::npos) << "and what the runner said";
}

TEST_F(CoreRetries, AFailureIsToldAsTriedAgainOnlyIfTheTaskGoesOn) {
  settings.max_infrastructure_retries = 1;
  restart({});
  put_model();
  const auto n1 = connect("n1");
  const auto fail_last = [&](AttemptOutcome outcome) {
    held.clear();
    finish(n1, last_assigned(n1), outcome);
    EXPECT_EQ(told<AttemptFailed>().size(), 1u);
    return told<AttemptFailed>().at(0).retried;
  };
  submit(spec());
  EXPECT_TRUE(fail_last(AttemptOutcome::kInfrastructure));
  pass(seconds(1));
  EXPECT_FALSE(fail_last(AttemptOutcome::kInfrastructure)) << "its budget is spent";

  submit(spec());
  EXPECT_FALSE(fail_last(AttemptOutcome::kModelFailed));

  JobSpec late = spec();
  late.constraints.deadline = now + seconds(60);
  submit(late);
  EXPECT_FALSE(fail_last(AttemptOutcome::kExpired));

  JobSpec unstored = spec();
  unstored.durability = Durability::kNone;
  apply(Submit{.ticket = 99, .jobs = {unstored}, .wait_until = now + seconds(5)});
  EXPECT_FALSE(fail_last(AttemptOutcome::kModelFailed)) << "forgotten at once";
}

TEST_F(CoreRetries, WorkGivenBackCostsNoRetry) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  apply(AttemptReturned{n1, last_assigned(n1), "draining"});
  EXPECT_EQ(core->find_job(id)->retries.infrastructure, 0u);
  EXPECT_EQ(core->find_job(id)->retries.crashes, 0u);
  pass(seconds(1));
  EXPECT_EQ(state(id), TaskState::kLeased);
}

TEST_F(CoreRetries, WhatWasOnItsWayToAnAgentThatSaysGoodbyeIsPlacedAgainAtOnceAndCostsNoRetry) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  const auto n2 = connect("n2");
  apply(SessionClosed{n1, true});
  EXPECT_EQ(last_assigned(n2).job, id);
  EXPECT_EQ(core->find_job(id)->retries, (Retries{.returned = 1}));
  finish(n2, last_assigned(n2));
  EXPECT_EQ(state(id), TaskState::kSucceeded);
}

TEST_F(CoreRetries, WhatAnAgentThatWasUpAllTheTimeDoesNotHaveNeverGotThereAndCostsNoRetry) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  apply(SessionClosed{n1, false});
  connect("n1");
  EXPECT_EQ(core->find_job(id)->retries, (Retries{.returned = 1}));
  EXPECT_EQ(core->find_job(id)->attempts, 2u);
  agents_incarnation = 2;  // started anew: the task may be what it died of
  connect("n1");
  EXPECT_EQ(core->find_job(id)->retries, (Retries{.infrastructure = 1, .returned = 1}));
}

TEST_F(CoreRetries, BudgetsAreApart) {
  settings.max_infrastructure_retries = 1;
  settings.max_crashes = 2;
  restart({});
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  const auto end = [&](AttemptOutcome outcome) {
    finish(n1, last_assigned(n1), outcome);
    for (int i = 0; i < 3; ++i) {
      pass(seconds(1));
      apply(AgentHeartbeat{.session = n1});
    }
  };
  end(AttemptOutcome::kInfrastructure);
  end(AttemptOutcome::kCrashed);
  apply(AttemptReturned{n1, last_assigned(n1), "no room"});
  pass(seconds(1));
  EXPECT_EQ(core->find_job(id)->retries,
            (Retries{.infrastructure = 1, .crashes = 1, .returned = 1}));
  ASSERT_EQ(state(id), TaskState::kLeased) << "none of the budgets is spent";
  finish(n1, last_assigned(n1), AttemptOutcome::kInfrastructure);
  EXPECT_EQ(state(id), TaskState::kFailed) << "that of infrastructure is";
  EXPECT_EQ(core->find_job(id)->result->error->code, ErrorCode::kUnavailable);
}

TEST_F(CoreRetries, ANodeThatGivesATaskBackIsNotAskedAgainWhileAnotherCanTakeIt) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  const auto n2 = connect("n2");
  apply(AttemptReturned{n1, last_assigned(n1), "does not fit"});
  pass(seconds(1));
  EXPECT_EQ(last_assigned(n2).job, id);
}

TEST_F(CoreRetries, ABackoffEndsAfterARestartThoughTheClockWasSetBackMeanwhile) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  finish(n1, last_assigned(n1), AttemptOutcome::kInfrastructure);
  ASSERT_EQ(state(id), TaskState::kBackoff);
  now -= hours(1);
  restart(stored());
  connect("n1");
  pass(settings.backoff_cap);
  EXPECT_NE(state(id), TaskState::kBackoff);
}

TEST_F(CoreRetries, AFailureThatIsReportedAgainGetsTheSameAcknowledgement) {
  put_model();
  const auto n1 = connect("n1");
  submit(spec());
  const AttemptRef attempt = last_assigned(n1);
  finish(n1, attempt, AttemptOutcome::kModelFailed);
  finish(n1, attempt, AttemptOutcome::kModelFailed);
  for (const auto& ack : sent<AckResult>(n1)) {
    EXPECT_TRUE(ack.committed);
  }
}

}  // namespace
}  // namespace skerry::core
