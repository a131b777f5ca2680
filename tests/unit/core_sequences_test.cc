// Sequences: where their state is, and who is told when it is gone.

#include <gmock/gmock.h>

#include "tests/unit/core_world.h"

namespace skerry::core {
namespace {

using ::testing::HasSubstr;

class CoreSequences : public CoreWorld {
 protected:
  CoreSequences() { put_model(); }

  JobId add(const std::string& ns = "default") {
    JobSpec job = spec(ns);
    job.sequence = "q";
    return submit(job);
  }
  AssignAttempt assigned(SessionId session) const {
    const auto all = sent<AssignAttempt>(session);
    EXPECT_FALSE(all.empty());
    return all.empty() ? AssignAttempt{} : all.back();
  }
  // A task of the sequence that succeeded.
  void begin(SessionId session) {
    add();
    finish(session, last_assigned(session));
  }
  void rename_variant(const std::string& name) {
    ModelManifest renamed = core->model("m")->manifest;
    renamed.variants.at(0).name = name;
    apply(PutModel{.ticket = ++tickets, .manifest = renamed});
  }
  SessionId come_back(const std::string& name, std::uint64_t incarnation) {
    const SessionId session{++sessions};
    AgentHello hello{.session = session, .incarnation = incarnation};
    hello.node = core->node(name)->spec;
    hello.capacity = 4;
    apply(hello);
    return session;
  }
  ErrorCode error(JobId id) const {
    const Job* job = core->find_job(id);
    EXPECT_TRUE(job->result && job->result->error) << to_string(job->state);
    return job->result && job->result->error ? job->result->error->code : ErrorCode::kInternal;
  }
};

TEST_F(CoreSequences, TheFirstTaskBeginsAndWhatFollowsASuccessContinues) {
  const auto n1 = connect("n1");
  add();
  add();
  EXPECT_EQ(assigned(n1).sequence_step, SequenceStep::kBegins);
  finish(n1, last_assigned(n1), AttemptOutcome::kModelFailed);
  EXPECT_EQ(assigned(n1).sequence_step, SequenceStep::kBegins);
  finish(n1, last_assigned(n1));
  add();
  EXPECT_EQ(assigned(n1).sequence_step, SequenceStep::kContinues);
}

TEST_F(CoreSequences, OfTwoNamespacesAreNotTheSameToANode) {
  const auto n1 = connect("n1");
  begin(n1);
  EXPECT_EQ(assigned(n1).sequence, "default/q");
  add("other");
  EXPECT_EQ(assigned(n1).sequence, "other/q");
  EXPECT_EQ(assigned(n1).sequence_step, SequenceStep::kBegins);
}

TEST_F(CoreSequences, AnAgentThatWasKilledAndIsBackAtOnceHasLostThem) {
  const auto n1 = connect("n1");
  begin(n1);
  const JobId running = add();
  const JobId behind = add();
  apply(SessionClosed{n1, false});
  pass(milliseconds(300));
  const auto again = come_back("n1", 2);
  EXPECT_EQ(error(running), ErrorCode::kSequenceLost);
  EXPECT_EQ(error(behind), ErrorCode::kSequenceLost);
  const JobId anew = add();
  EXPECT_EQ(assigned(again).attempt.job, anew);
  EXPECT_EQ(assigned(again).sequence_step, SequenceStep::kBegins);
}

TEST_F(CoreSequences, AnotherAgentUnderTheNameOfANodeDoesNotHoldThem) {
  begin(start_agent("n1", "a", 1));
  apply(SessionClosed{SessionId{sessions}, true});
  start_agent("n1", "b", 1);
  EXPECT_EQ(error(add()), ErrorCode::kSequenceLost);
}

TEST_F(CoreSequences, AStreamThatBreaksAndIsBackHasLostNothing) {
  const auto n1 = connect("n1");
  begin(n1);
  apply(SessionClosed{n1, false});
  const auto again = come_back("n1", 1);
  add();
  EXPECT_EQ(assigned(again).sequence_step, SequenceStep::kContinues);
}

TEST_F(CoreSequences, LostWhileItIdledIsSaidToItsNextTask) {
  const auto n1 = connect("n1");
  begin(n1);
  apply(SessionClosed{n1, false});
  pass(seconds(3));
  const auto n2 = connect("n2");
  const JobId told = add();
  EXPECT_EQ(error(told), ErrorCode::kSequenceLost);
  EXPECT_THAT(core->find_job(told)->result->error->message, HasSubstr("start a new sequence"));
  add();
  EXPECT_EQ(assigned(n2).sequence_step, SequenceStep::kBegins);
}

TEST_F(CoreSequences, AreLostWithTheVariantThatAModelIsAppliedWithout) {
  const auto n1 = connect("n1");
  put_model("m", {0.9, 0.99});
  JobSpec job = spec();
  job.sequence = "q";
  job.constraints.variants = {"v1"};
  submit(job);
  finish(n1, last_assigned(n1));
  const JobId running = submit(job);
  const JobId behind = add();
  put_model("m", {0.9});
  finish(n1, last_assigned(n1));
  EXPECT_EQ(state(running), TaskState::kSucceeded);
  EXPECT_EQ(error(behind), ErrorCode::kSequenceLost);
  EXPECT_THAT(core->find_job(behind)->result->error->message, HasSubstr("no longer the variant"));
  add();
  EXPECT_EQ(assigned(n1).sequence_step, SequenceStep::kBegins);
}

TEST_F(CoreSequences, WhoseVariantIsGoneWhileTheyIdleTellTheirNextTask) {
  const auto n1 = connect("n1");
  begin(n1);
  apply(DeleteModel{.ticket = ++tickets, .name = "m"});
  put_model();
  EXPECT_EQ(error(add()), ErrorCode::kSequenceLost);
  begin(n1);
  rename_variant("v1");
  EXPECT_EQ(error(add()), ErrorCode::kSequenceLost);
  begin(n1);
  rename_variant("v0");
  restart(stored());
  connect("n1");
  EXPECT_EQ(error(add()), ErrorCode::kSequenceLost);
}

TEST_F(CoreSequences, WhoseFirstTaskRunsOnAVariantThatIsGoneSinceAreLostWhenItEnds) {
  const auto n1 = connect("n1");
  const JobId first = add();
  rename_variant("v1");
  finish(n1, last_assigned(n1));
  EXPECT_EQ(state(first), TaskState::kSucceeded);
  EXPECT_EQ(error(add()), ErrorCode::kSequenceLost);
}

TEST_F(CoreSequences, WhatHasNotBegunYetBeginsElsewhere) {
  const auto n1 = connect("n1");
  const JobId first = add();
  const auto n2 = connect("n2");
  apply(SessionClosed{n1, false});
  pass(seconds(3));
  EXPECT_EQ(assigned(n2).attempt.job, first);
  EXPECT_EQ(assigned(n2).sequence_step, SequenceStep::kBegins);
}

TEST_F(CoreSequences, ANodeThatDoesNotHoldTheStateEndsTheSequenceAndSaysWhy) {
  const auto n1 = connect("n1");
  begin(n1);
  const JobId refused = add();
  const JobId behind = add();
  finish(n1, last_assigned(n1), AttemptOutcome::kSequenceLost);
  EXPECT_EQ(error(refused), ErrorCode::kSequenceLost);
  EXPECT_THAT(core->find_job(refused)->result->error->message, HasSubstr("not on n1 any more"));
  EXPECT_EQ(error(behind), ErrorCode::kSequenceLost);
  add();
  EXPECT_EQ(assigned(n1).sequence_step, SequenceStep::kBegins);
}

TEST_F(CoreSequences, ACancelledTaskLeavesItToTheNodeWhetherTheStateIsStillThere) {
  const auto n1 = connect("n1");
  begin(n1);
  const JobId cancelled = add();
  add();
  apply(CancelJob{.ticket = ++tickets, .job = cancelled});
  EXPECT_NE(assigned(n1).attempt.job, cancelled);
  EXPECT_EQ(assigned(n1).sequence_step, SequenceStep::kContinues);
}

// Else it would begin the sequence anew there, under the task that follows.
TEST_F(CoreSequences, ATaskThatEndsWhileItsNodeIsSilentIsCancelledThere) {
  const auto n1 = connect("n1");
  const JobId first = add();
  const AttemptRef attempt = last_assigned(n1);
  const JobId next = add();
  pass(settings.suspect_after + milliseconds(100));
  EXPECT_EQ(core->node("n1")->state, NodeState::kSuspect);
  apply(CancelJob{.ticket = ++tickets, .job = first});
  ASSERT_EQ(sent<CancelAttempt>(n1).size(), 1u);
  EXPECT_EQ(sent<CancelAttempt>(n1).front().attempt, attempt);
  apply(AgentHeartbeat{.session = n1});
  EXPECT_EQ(assigned(n1).attempt.job, next);
  EXPECT_EQ(core->node("n1")->outstanding, 2u);
  apply(AttemptEnded{.session = n1,
                     .attempt = attempt,
                     .outcome = AttemptOutcome::kCancelled,
                     .error = "cancelled"});
  EXPECT_EQ(core->node("n1")->outstanding, 1u);
}

TEST_F(CoreSequences, AreWhereTheyWereLastThoughTheClockWasSetBackMeanwhile) {
  const auto n1 = connect("n1");
  begin(n1);
  apply(SessionClosed{n1, false});
  pass(seconds(2));
  EXPECT_EQ(error(add()), ErrorCode::kSequenceLost);
  now -= hours(1);
  restart(stored());
  begin(connect("n2"));
  restart(stored());
  const auto n2 = connect("n2");
  add();
  EXPECT_EQ(assigned(n2).sequence_step, SequenceStep::kContinues);
}

}  // namespace
}  // namespace skerry::core
