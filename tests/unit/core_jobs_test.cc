// Jobs: submit, wait, cancel, deadlines, idempotency, fair order, the order of persist and act.

#include "tests/unit/core_world.h"

namespace skerry::core {
namespace {

using CoreJobs = CoreWorld;

TEST_F(CoreJobs, AJobIsPlacedRunAndEndsWithItsResult) {
  put_model();
  const auto node = connect("n1");
  const JobId id = submit(spec());
  EXPECT_EQ(state(id), TaskState::kLeased);
  const AttemptRef attempt = last_assigned(node);
  apply(AttemptStarted{node, attempt});
  EXPECT_EQ(state(id), TaskState::kRunning);
  finish(node, attempt);
  EXPECT_EQ(state(id), TaskState::kSucceeded);
  EXPECT_TRUE(sent<AckResult>(node).back().committed);
  EXPECT_EQ(core->find_job(id)->result->node_name, "n1");
}

TEST_F(CoreJobs, NothingThatStartsAcknowledgesOrEndsWorkLeavesBeforeItsRecord) {
  put_model();
  const auto node = connect("n1");
  const auto batches = core->batches_written();
  held.clear();
  submit(spec());
  finish(node, last_assigned(node));
  int gated = 0;
  for (const auto& output : held) {
    const auto* send = std::get_if<Send>(&output.what);
    const bool acts = std::holds_alternative<Answer>(output.what) ||
                      (send != nullptr && (std::holds_alternative<AssignAttempt>(send->command) ||
                                           std::holds_alternative<AckResult>(send->command)));
    if (acts) {
      EXPECT_GT(output.after, batches);
      ++gated;
    }
  }
  EXPECT_EQ(gated, 3);  // the answer, the assignment, the acknowledgement
}

TEST_F(CoreJobs, AJobOfDurabilityNoneIsNotWrittenAndAnswersWithItsResult) {
  put_model();
  const auto node = connect("n1");
  written.clear();
  JobSpec job = spec();
  job.durability = Durability::kNone;
  apply(Submit{.ticket = 99, .jobs = {job}, .wait_until = now + seconds(5)});
  finish(node, last_assigned(node));
  EXPECT_TRUE(written.empty());
  const auto& reply = std::get<Finished>(*answers.at(99));
  EXPECT_EQ(reply.job.state, TaskState::kSucceeded);
  EXPECT_EQ(*reply.job.result->output.bytes, "output");
  EXPECT_EQ(core->find_job(reply.job.id), nullptr);
}

TEST_F(CoreJobs, ACallerThatGoesAwayTakesItsUnstoredJobWithIt) {
  put_model();
  const auto node = connect("n1");
  JobSpec job = spec();
  job.durability = Durability::kNone;
  apply(Submit{.ticket = 99, .jobs = {job}, .wait_until = now + seconds(5)});
  apply(Abandon{99});
  EXPECT_EQ(sent<CancelAttempt>(node).size(), 1u);
  EXPECT_EQ(core->queue_stats(now).leased, 0u);
}

TEST_F(CoreJobs, WhoeverElseLooksAtAnUnstoredJobDoesNotEndIt) {
  put_model();
  const auto node = connect("n1");
  JobSpec job = spec();
  job.durability = Durability::kNone;
  apply(Submit{.ticket = 99, .jobs = {job}, .wait_until = now + seconds(5)});
  const JobId id = last_assigned(node).job;
  apply(Await{.ticket = 100, .job = id, .until = now + milliseconds(1)});
  apply(Await{.ticket = 101, .job = id, .until = now + seconds(5)});
  pass(seconds(1));
  EXPECT_TRUE(answers.contains(100));
  apply(Abandon{101});
  finish(node, last_assigned(node));
  EXPECT_EQ(std::get<Finished>(*answers.at(99)).job.state, TaskState::kSucceeded);
}

TEST_F(CoreJobs, AWaitThatIsUpAnswersWithTheAcceptedJob) {
  put_model();
  apply(Submit{.ticket = 99, .jobs = {spec()}, .wait_until = now + seconds(1)});
  EXPECT_FALSE(answers.contains(99));
  pass(seconds(2));
  EXPECT_EQ(std::get<Submitted>(*answers.at(99)).jobs.size(), 1u);
}

TEST_F(CoreJobs, TheSameKeyWithTheSameRequestIsTheSameJobAndWithAnotherIsRefused) {
  put_model();
  apply(Submit{.ticket = 1001, .jobs = {spec()}, .idempotency = IdempotencyKey{"k", "d"}});
  apply(Submit{.ticket = 1002, .jobs = {spec()}, .idempotency = IdempotencyKey{"k", "d"}});
  apply(Submit{.ticket = 1003, .jobs = {spec()}, .idempotency = IdempotencyKey{"k", "other"}});
  const auto& first = std::get<Submitted>(*answers.at(1001));
  const auto& again = std::get<Submitted>(*answers.at(1002));
  EXPECT_EQ(first.jobs, again.jobs);
  EXPECT_FALSE(first.replayed);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(answers.at(1003).error().code, ErrorCode::kIdempotencyMismatch);
}

TEST_F(CoreJobs, AKeyIsScopedByNamespace) {
  put_model();
  apply(Submit{.ticket = 1001, .jobs = {spec("a")}, .idempotency = IdempotencyKey{"k", "d"}});
  apply(Submit{.ticket = 1002, .jobs = {spec("b")}, .idempotency = IdempotencyKey{"k", "d"}});
  EXPECT_NE(std::get<Submitted>(*answers.at(1001)).jobs,
            std::get<Submitted>(*answers.at(1002)).jobs);
}

TEST_F(CoreJobs, CancelEndsAWaitingJobAndARunningOne) {
  put_model();
  const JobId waiting = submit(spec());
  apply(CancelJob{.ticket = 500, .job = waiting});
  EXPECT_EQ(state(waiting), TaskState::kCancelled);
  const auto node = connect("n1");
  const JobId running = submit(spec());
  apply(CancelJob{.ticket = 501, .job = running});
  EXPECT_EQ(sent<CancelAttempt>(node).size(), 1u);
  apply(CancelJob{.ticket = 502, .job = running});
  EXPECT_TRUE(std::get<Changed>(*answers.at(501)).changed);
  EXPECT_FALSE(std::get<Changed>(*answers.at(502)).changed);
}

TEST_F(CoreJobs, CancelOfAnEndedJobIsAConflictAndOfAnotherNamespaceNotFound) {
  put_model();
  const auto node = connect("n1");
  const JobId id = submit(spec());
  finish(node, last_assigned(node));
  apply(CancelJob{.ticket = 500, .job = id});
  apply(CancelJob{.ticket = 501, .within = {{{"other"}}}, .job = id});
  EXPECT_EQ(answers.at(500).error().code, ErrorCode::kConflict);
  EXPECT_EQ(answers.at(501).error().code, ErrorCode::kNotFound);
}

TEST_F(CoreJobs, ATerminalJobAbsorbsEveryLaterEvent) {
  put_model();
  const auto node = connect("n1");
  const JobId id = submit(spec());
  const AttemptRef attempt = last_assigned(node);
  apply(CancelJob{.ticket = 500, .job = id});
  written.clear();
  apply(AttemptStarted{node, attempt});
  finish(node, attempt);
  apply(AttemptReturned{node, attempt, "late"});
  EXPECT_EQ(state(id), TaskState::kCancelled);
  EXPECT_TRUE(written.empty());
  EXPECT_FALSE(sent<AckResult>(node).back().committed);
}

TEST_F(CoreJobs, AResultThatIsSentAgainIsAcknowledgedAsCommittedAgain) {
  put_model();
  const auto node = connect("n1");
  submit(spec());
  const AttemptRef attempt = last_assigned(node);
  finish(node, attempt);
  finish(node, attempt);
  const auto acks = sent<AckResult>(node);
  ASSERT_EQ(acks.size(), 2u);
  EXPECT_TRUE(acks[1].committed);
}

TEST_F(CoreJobs, ADeadlineThatPassesEndsTheJobAndTheAgentIsToldItsRemainingTime) {
  put_model();
  const auto node = connect("n1");
  JobSpec job = spec();
  job.constraints.deadline = now + seconds(2);
  const JobId id = submit(job);
  EXPECT_EQ(sent<AssignAttempt>(node).back().remaining, seconds(2));
  pass(seconds(3));
  EXPECT_EQ(state(id), TaskState::kExpired);
}

// What no node can finish in time, however idle, once kept all others with a deadline waiting for a
// second at a time.
TEST_F(CoreJobs, OneThatNobodyCanFinishInTimeKeepsNoOthersWaiting) {
  put_model();
  const auto node = connect("n1", 1);
  submit(spec());  // takes the only place
  JobSpec hopeless = spec();
  hopeless.constraints.deadline = now + milliseconds(1);
  const JobId lost = submit(hopeless);
  JobSpec easy = spec();
  easy.constraints.deadline = now + seconds(60);
  const JobId fine = submit(easy);
  EXPECT_EQ(state(fine), TaskState::kReady);
  finish(node, last_assigned(node));
  EXPECT_EQ(state(lost), TaskState::kReady);
  EXPECT_TRUE(core->waiting_for(lost).has_value());
  EXPECT_EQ(state(fine), TaskState::kLeased);
}

TEST_F(CoreJobs, NamespacesTakeTurnsHoweverManyTasksOneHas) {
  put_model();
  for (int i = 0; i < 20; ++i) {
    submit(spec("greedy"));
  }
  submit(spec("modest"));
  submit(spec("modest"));
  const auto node = connect("n1", 4);
  std::map<std::string, int> placed;
  for (const auto& assign : sent<AssignAttempt>(node)) {
    ++placed[core->find_job(assign.attempt.job)->spec.ns];
  }
  EXPECT_EQ(placed["greedy"], 2);
  EXPECT_EQ(placed["modest"], 2);
}

TEST_F(CoreJobs, UrgentTasksGoFirst) {
  put_model();
  JobSpec batch = spec();
  batch.urgency = Urgency::kBatch;
  JobSpec urgent = spec();
  urgent.urgency = Urgency::kInteractive;
  submit(batch);
  const JobId first = submit(urgent);
  const auto node = connect("n1", 1);
  EXPECT_EQ(last_assigned(node).job, first);
}

TEST_F(CoreJobs, ATaskThatNobodyCanTakeDoesNotHoldUpOthers) {
  put_model();
  JobSpec elsewhere = spec();
  elsewhere.constraints.site = "nowhere";
  const JobId stuck = submit(elsewhere);
  const JobId free = submit(spec());
  connect("n1");
  EXPECT_EQ(state(stuck), TaskState::kReady);
  EXPECT_EQ(state(free), TaskState::kLeased);
  EXPECT_GT(core->waiting_for(stuck)->at(static_cast<std::size_t>(scheduler::MaskReason::kSite)),
            0u);
}

TEST_F(CoreJobs, AWaitingCallerWithoutAStoredJobIsToldWhenNobodyEverCan) {
  put_model();
  connect("n1");
  JobSpec job = spec();
  job.durability = Durability::kNone;
  job.constraints.min_accuracy = 0.99;
  apply(Submit{.ticket = 99, .jobs = {job}, .wait_until = now + seconds(5)});
  EXPECT_EQ(std::get<Finished>(*answers.at(99)).job.result->error->code, ErrorCode::kUnsatisfiable);
}

TEST_F(CoreJobs, JobsAreListedNewestFirstInPages) {
  put_model();
  std::vector<JobId> ids(5);
  for (JobId& id : ids) {
    id = submit(spec());
  }
  const auto page = list({}, std::nullopt, 2);
  ASSERT_EQ(page.jobs.size(), 2u);
  EXPECT_EQ(page.jobs[0].id, ids[4]);
  const auto rest = list({}, page.next, 10);
  ASSERT_EQ(rest.jobs.size(), 3u);
  EXPECT_EQ(rest.jobs[0].id, ids[2]);
  EXPECT_EQ(rest.next, std::nullopt);
}

TEST_F(CoreJobs, AListTellsThatAJobEndedWhenThatIsDurable) {
  put_model();
  const auto node = connect("n1");
  submit(spec());
  list({}, std::nullopt, 10);
  EXPECT_EQ(held.back().after, 0u) << "what goes on may change with a crash anyway";
  finish(node, last_assigned(node));
  EXPECT_EQ(list({}, std::nullopt, 10).jobs.at(0).state, TaskState::kSucceeded);
  EXPECT_EQ(held.back().after, core->batches_written());
}

TEST_F(CoreJobs, AFilterThatMatchesLittleYieldsShortPagesInsteadOfALongWalk) {
  put_model();
  put_model("rare");
  JobSpec rare = spec();
  rare.model = "rare";
  const JobId wanted = submit(rare);
  for (std::size_t i = 0; i < 3; ++i) {
    apply(Submit{.ticket = ++tickets, .jobs = std::vector<JobSpec>(kJobsPerList, spec())});
  }
  std::optional<JobId> cursor;
  std::vector<JobId> found;
  int pages = 0;
  do {
    const auto page = list({.model = "rare"}, cursor, 10);
    for (const auto& job : page.jobs) {
      found.push_back(job.id);
    }
    cursor = page.next;
    ++pages;
  } while (cursor);
  EXPECT_EQ(found, std::vector{wanted});
  EXPECT_EQ(pages, 4);
}

TEST_F(CoreJobs, EndedJobsAreForgottenOldestFirstWithTheirKeys) {
  settings.max_retained_jobs = 1;
  restart({});
  put_model();
  const auto node = connect("n1");
  apply(Submit{.ticket = 1001, .jobs = {spec()}, .idempotency = IdempotencyKey{"k", "d"}});
  const JobId first = std::get<Submitted>(*answers.at(1001)).jobs[0];
  finish(node, last_assigned(node));
  const JobId second = submit(spec());
  finish(node, last_assigned(node));
  EXPECT_EQ(core->find_job(first), nullptr);
  EXPECT_NE(core->find_job(second), nullptr);
  apply(Submit{.ticket = 1002, .jobs = {spec()}, .idempotency = IdempotencyKey{"k", "d"}});
  EXPECT_FALSE(std::get<Submitted>(*answers.at(1002)).replayed);
}

TEST_F(CoreJobs, TheKeyOfABatchIsRememberedAsLongAsAnyJobOfIt) {
  settings.max_retained_jobs = 1;
  restart({});
  put_model();
  const auto node = connect("n1");
  const Submit batch{
      .ticket = 0, .jobs = {spec(), spec()}, .idempotency = IdempotencyKey{"k", "d"}};
  const auto submit_batch = [&](Ticket ticket) {
    Submit again = batch;
    again.ticket = ticket;
    apply(again);
    return std::get<Submitted>(*answers.at(ticket));
  };
  const auto jobs = submit_batch(1001).jobs;
  const auto assigned = sent<AssignAttempt>(node);
  ASSERT_EQ(assigned.size(), 2u);
  finish(node, assigned[1].attempt);  // the one listed last ends first
  submit(spec());
  finish(node, last_assigned(node));
  ASSERT_EQ(core->find_job(jobs[1]), nullptr);
  EXPECT_TRUE(submit_batch(1002).replayed) << "its first job is still open";

  restart(stored());
  EXPECT_TRUE(submit_batch(1003).replayed);

  const auto back = connect("n1", 4, {}, {assigned[0].attempt});
  finish(back, assigned[0].attempt);
  submit(spec());
  finish(back, last_assigned(back));
  ASSERT_EQ(core->find_job(jobs[0]), nullptr);
  EXPECT_FALSE(submit_batch(1004).replayed);
  EXPECT_EQ(stored().idempotency.size(), 1u) << "of the newest batch; the older is gone";
}

TEST_F(CoreJobs, AKeyForAJobThatIsNotRememberedIsRefused) {
  put_model();
  JobSpec job = spec();
  job.durability = Durability::kNone;
  apply(Submit{.ticket = 99,
               .jobs = {job},
               .idempotency = IdempotencyKey{"k", "d"},
               .wait_until = now + seconds(5)});
  ASSERT_FALSE(answers.at(99).has_value());
  EXPECT_EQ(answers.at(99).error().fields.at(0).field, "/durability");
}

TEST_F(CoreJobs, TasksOfASequenceRunInOrderOnOneNode) {
  put_model();
  const auto n1 = connect("n1");
  const auto n2 = connect("n2");
  JobSpec job = spec();
  job.sequence = "q";
  const JobId first = submit(job);
  const JobId second = submit(job);
  EXPECT_EQ(state(second), TaskState::kReady);
  const auto where = sent<AssignAttempt>(n1).empty() ? n2 : n1;
  finish(where, last_assigned(where));
  EXPECT_EQ(state(first), TaskState::kSucceeded);
  EXPECT_EQ(last_assigned(where).job, second);
}

TEST_F(CoreJobs, ASequenceOfAModelWithoutStateRunsInOrderWhereverItCan) {
  put_model("m", {0.9}, "", false);
  const auto n1 = connect("n1");
  JobSpec job = spec();
  job.sequence = "q";
  const JobId first = submit(job);
  const JobId second = submit(job);
  const auto n2 = connect("n2");
  apply(SessionClosed{n1, false});
  pass(seconds(3));
  ASSERT_EQ(last_assigned(n2).job, first) << "it loses nothing with its node";
  EXPECT_EQ(state(second), TaskState::kReady);
  finish(n2, last_assigned(n2), AttemptOutcome::kCrashed);
  EXPECT_EQ(state(first), TaskState::kBackoff) << "nor with its runner";
  const auto n3 = connect("n3");
  pass(seconds(1));
  ASSERT_EQ(last_assigned(n3).job, first);
  finish(n3, last_assigned(n3));
  const auto where = sent<AssignAttempt>(n2).size() > 1 ? n2 : n3;
  EXPECT_EQ(last_assigned(where).job, second);
}

}  // namespace
}  // namespace skerry::core
