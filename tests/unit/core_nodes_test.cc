// Nodes: silence, reconnection, re-placement, retries, drain, the brake, restarts of the
// controller.

#include "tests/unit/core_world.h"

namespace skerry::core {
namespace {

using CoreNodes = CoreWorld;

JobSpec interactive() {
  JobSpec job;
  job.model = "m";
  job.inputs = Payload::inlined("input");
  job.urgency = Urgency::kInteractive;
  return job;
}

TEST_F(CoreNodes, ASilentNodeIsSuspectThenGivenUpAndItsTaskRunsElsewhere) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  const auto n2 = connect("n2");
  pass(milliseconds(2900));
  apply(AgentHeartbeat{.session = n2});
  pass(milliseconds(200));
  EXPECT_EQ(core->node("n1")->state, NodeState::kSuspect);
  EXPECT_EQ(state(id), TaskState::kUnknown);
  pass(milliseconds(1000));
  apply(AgentHeartbeat{.session = n2});
  pass(milliseconds(1100));
  EXPECT_EQ(core->node("n1")->state, NodeState::kDisconnected);
  EXPECT_EQ(last_assigned(n2).job, id);
  EXPECT_EQ(last_assigned(n2).number, 2u);
  (void)n1;
}

TEST_F(CoreNodes, WatchersSeeATaskRunAgainWhenItsSilentNodeIsHeardOf) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  apply(AttemptStarted{n1, last_assigned(n1)});
  pass(milliseconds(3100));
  const std::uint64_t silent = core->find_job(id)->version;
  apply(AgentHeartbeat{.session = n1});
  EXPECT_GT(core->find_job(id)->version, silent);
  EXPECT_EQ(told_states(id),
            (std::vector{TaskState::kReady, TaskState::kLeased, TaskState::kRunning,
                         TaskState::kUnknown, TaskState::kRunning}));
}

TEST_F(CoreNodes, WatchersSeeATaskRunAgainWhenItsNodeReconnects) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  const AttemptRef attempt = last_assigned(n1);
  apply(SessionClosed{n1, false});
  const std::uint64_t silent = core->find_job(id)->version;
  connect("n1", 4, {attempt});
  EXPECT_GT(core->find_job(id)->version, silent);
  EXPECT_EQ(told_states(id), (std::vector{TaskState::kReady, TaskState::kLeased,
                                          TaskState::kUnknown, TaskState::kRunning}));
}

TEST_F(CoreNodes, EveryChangeOfStateIsANewVersion) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  finish(n1, last_assigned(n1), AttemptOutcome::kInfrastructure);
  EXPECT_EQ(state(id), TaskState::kBackoff);
  const std::uint64_t waiting = core->find_job(id)->version;
  apply(SessionClosed{n1, false});
  pass(milliseconds(200));
  EXPECT_EQ(state(id), TaskState::kReady);
  EXPECT_GT(core->find_job(id)->version, waiting);
}

TEST_F(CoreNodes, AnInteractiveTaskDoesNotWaitForASuspectNode) {
  put_model();
  connect("n1");
  const JobId id = submit(interactive());
  const auto n2 = connect("n2");
  pass(milliseconds(2000));
  apply(AgentHeartbeat{.session = n2});
  pass(milliseconds(1100));
  EXPECT_EQ(core->node("n1")->state, NodeState::kSuspect);
  EXPECT_EQ(last_assigned(n2).job, id);
}

TEST_F(CoreNodes, TheFirstResultWinsAndTheLateOneIsRefused) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  const AttemptRef old = last_assigned(n1);
  const auto n2 = connect("n2");
  apply(SessionClosed{n1, false});
  pass(milliseconds(1500));
  const AttemptRef fresh = last_assigned(n2);
  ASSERT_EQ(fresh.job, id);
  finish(n2, fresh);
  const auto back = connect("n1", 4, {}, {old});
  finish(back, old);
  EXPECT_FALSE(sent<AckResult>(back).back().committed);
  EXPECT_EQ(core->find_job(id)->result->node_name, "n2");
}

TEST_F(CoreNodes, ALateResultOfASilentNodeWinsIfItIsTheFirst) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  const AttemptRef old = last_assigned(n1);
  const auto n2 = connect("n2");
  apply(SessionClosed{n1, false});
  pass(milliseconds(1500));
  ASSERT_EQ(last_assigned(n2).job, id);
  const auto back = connect("n1", 4, {}, {old});
  finish(back, old);
  EXPECT_EQ(core->find_job(id)->result->node_name, "n1");
  EXPECT_EQ(sent<CancelAttempt>(n2).size(), 1u);
}

TEST_F(CoreNodes, WorkThatRunsFineIsAdoptedOnReconnectNotStartedAgain) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  const AttemptRef attempt = last_assigned(n1);
  apply(SessionClosed{n1, false});
  EXPECT_EQ(state(id), TaskState::kUnknown);
  pass(milliseconds(500));
  const auto back = connect("n1", 4, {attempt});
  EXPECT_EQ(state(id), TaskState::kRunning);
  EXPECT_TRUE(sent<AssignAttempt>(back).empty());
}

TEST_F(CoreNodes, WhatAnAgentLostIsPlacedAgainAndWhatIsNotWantedIsCancelled) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  const AttemptRef stranger{JobId::make({9}, 9), 1, {5, 5}};
  apply(SessionClosed{n1, false});
  const auto back = connect("n1", 4, {stranger});
  EXPECT_EQ(sent<CancelAttempt>(back).at(0).attempt, stranger);
  EXPECT_EQ(last_assigned(back).job, id);
  EXPECT_EQ(last_assigned(back).number, 2u);
}

TEST_F(CoreNodes, InfrastructureFailuresAreTriedElsewhereUpToTheBudget) {
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

TEST_F(CoreNodes, ActualLatencyIsOfTheAttemptAsThePredictionIs) {
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

TEST_F(CoreNodes, TheUsersErrorIsNeverTriedAgain) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  finish(n1, last_assigned(n1), AttemptOutcome::kModelFailed);
  EXPECT_EQ(state(id), TaskState::kFailed);
  EXPECT_EQ(core->find_job(id)->result->error->code, ErrorCode::kModelFailed);
}

TEST_F(CoreNodes, ATaskThatCrashesRunnersOnTwoNodesIsQuarantined) {
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
}

TEST_F(CoreNodes, AFailureIsToldAsTriedAgainOnlyIfTheTaskGoesOn) {
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

TEST_F(CoreNodes, AModelThatCrashesEverywhereIsTrippedForAWhile) {
  settings.trip_nodes = 2;
  restart({});
  put_model();
  const auto n1 = connect("n1");
  const auto n2 = connect("n2");
  submit(spec());
  const auto first = sent<AssignAttempt>(n1).empty() ? n2 : n1;
  const auto second = first == n1 ? n2 : n1;
  finish(first, last_assigned(first), AttemptOutcome::kCrashed);
  pass(seconds(1));
  finish(second, last_assigned(second), AttemptOutcome::kCrashed);
  apply(Submit{.ticket = 700, .jobs = {spec()}});
  EXPECT_EQ(answers.at(700).error().code, ErrorCode::kUnavailable);
  pass(seconds(61));
  apply(Submit{.ticket = 701, .jobs = {spec()}});
  EXPECT_TRUE(answers.at(701).has_value());
}

TEST_F(CoreNodes, ADrainingNodeTakesNothingNewAndIsDrainedWhenItsWorkEnds) {
  put_model();
  const auto n1 = connect("n1");
  submit(spec());
  apply(ChangeNode{.ticket = 1, .name = "n1", .action = NodeAction::kDrain});
  EXPECT_TRUE(sent<SetNodeMode>(n1).back().draining);
  EXPECT_EQ(core->node("n1")->state, NodeState::kDraining);
  const JobId later = submit(spec());
  EXPECT_EQ(state(later), TaskState::kReady);
  finish(n1, last_assigned(n1));
  EXPECT_EQ(core->node("n1")->state, NodeState::kDrained);
  apply(ChangeNode{.ticket = 2, .name = "n1", .action = NodeAction::kUncordon});
  EXPECT_EQ(state(later), TaskState::kLeased);
}

TEST_F(CoreNodes, WhatAnOperatorDidIsToldWhenItIsDurable) {
  put_model();
  connect("n1");
  held.clear();
  apply(ChangeNode{.ticket = 1, .name = "n1", .action = NodeAction::kCordon});
  const auto change = std::ranges::find_if(held, [](const Output& output) {
    const auto* happening = std::get_if<Happening>(&output.what);
    return happening != nullptr && std::holds_alternative<NodeChanged>(*happening);
  });
  ASSERT_NE(change, held.end());
  EXPECT_EQ(change->after, core->batches_written());
}

TEST_F(CoreNodes, WorkGivenBackCostsNoRetry) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  apply(AttemptReturned{n1, last_assigned(n1), "draining"});
  EXPECT_EQ(core->find_job(id)->retries.infrastructure, 0u);
  EXPECT_EQ(core->find_job(id)->retries.crashes, 0u);
  pass(seconds(1));
  EXPECT_EQ(state(id), TaskState::kLeased);
}

TEST_F(CoreNodes, ANodeThatGivesATaskBackIsNotAskedAgainWhileAnotherCanTakeIt) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  const auto n2 = connect("n2");
  apply(AttemptReturned{n1, last_assigned(n1), "does not fit"});
  pass(seconds(1));
  EXPECT_EQ(last_assigned(n2).job, id);
}

TEST_F(CoreNodes, ARevisionNamesOneManifestForEverAlsoAfterTheModelWasDeleted) {
  put_model();
  const auto first = core->model("m")->revision;
  apply(DeleteModel{.ticket = 60, .name = "m"});
  put_model("m", {0.5});
  EXPECT_GT(core->model("m")->revision, first);
}

TEST_F(CoreNodes, AFailureThatIsReportedAgainGetsTheSameAcknowledgement) {
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

TEST_F(CoreNodes, WhatIsConfirmedWithoutAChangeIsDurableToo) {
  put_model();
  connect("n1");
  apply(ChangeNode{.ticket = 70, .name = "n1", .action = NodeAction::kCordon});
  const auto batches = core->batches_written();
  held.clear();
  apply(ChangeNode{.ticket = 71, .name = "n1", .action = NodeAction::kCordon});
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].after, batches);
}

TEST_F(CoreNodes, TheBrakeHoldsWhenMostOfTheFleetFallsSilentTogetherAndEndsInTime) {
  put_model();
  std::vector<SessionId> nodes;
  for (int i = 0; i < 6; ++i) {
    nodes.push_back(connect("n" + std::to_string(i)));
  }
  JobSpec job = spec();
  job.constraints.node = "n0";
  const JobId id = submit(job);
  for (int i = 0; i < 4; ++i) {
    apply(SessionClosed{nodes[static_cast<std::size_t>(i)], false});
  }
  for (int second = 0; second < 10; ++second) {
    pass(seconds(1));
    apply(AgentHeartbeat{.session = nodes[4]});
    apply(AgentHeartbeat{.session = nodes[5]});
  }
  EXPECT_TRUE(core->queue_stats(now).braking);
  EXPECT_EQ(state(id), TaskState::kUnknown);
  for (int second = 0; second < 60; ++second) {
    pass(seconds(1));
    apply(AgentHeartbeat{.session = nodes[4]});
    apply(AgentHeartbeat{.session = nodes[5]});
  }
  EXPECT_FALSE(core->queue_stats(now).braking);
  EXPECT_EQ(state(id), TaskState::kReady);
}

TEST_F(CoreNodes, ANewerSessionOfTheSameNameReplacesTheOlder) {
  put_model();
  const auto older = connect("n1");
  const auto newer = connect("n1");
  EXPECT_EQ(sent<RefuseAgent>(older).size(), 1u);
  apply(SessionClosed{older, false});
  EXPECT_TRUE(core->node("n1")->connected);
  submit(spec());
  EXPECT_EQ(sent<AssignAttempt>(newer).size(), 1u);
}

TEST_F(CoreNodes, ARestoredControllerWaitsForItsAgentsAndAdoptsWhatTheyRun) {
  put_model();
  const auto n1 = connect("n1");
  const JobId id = submit(spec());
  const AttemptRef attempt = last_assigned(n1);
  const Epoch before = core->epoch();
  EXPECT_EQ(core->find_job(id)->epoch, before);
  held.clear();
  restart(stored());
  EXPECT_GT(core->epoch(), before);
  EXPECT_EQ(state(id), TaskState::kUnknown);
  EXPECT_EQ(core->find_job(id)->epoch, core->epoch()) << "what was not stored is counted again";
  EXPECT_TRUE(told_states(id).empty()) << "a restart changes nothing";
  const auto back = connect("n1", 4, {attempt});
  EXPECT_EQ(state(id), TaskState::kRunning);
  finish(back, attempt);
  EXPECT_EQ(state(id), TaskState::kSucceeded);
}

TEST_F(CoreNodes, EveryVariantIsProbedOnceOnANewNode) {
  put_model("m", {0.9, 0.99});
  const auto n1 = connect("n1");
  ASSERT_EQ(sent<ProbeVariant>(n1).size(), 1u);
  apply(ProbeEnded{.session = n1,
                   .variant = {"m", "v0"},
                   .error = "",
                   .load = milliseconds(5),
                   .service = {milliseconds(3), milliseconds(3)},
                   .memory_bytes = 1});
  ASSERT_EQ(sent<ProbeVariant>(n1).size(), 2u);
  apply(ProbeEnded{.session = n1,
                   .variant = {"m", "v1"},
                   .error = "out of memory",
                   .load = {},
                   .service = {},
                   .memory_bytes = 0});
  EXPECT_EQ(sent<ProbeVariant>(n1).size(), 2u);
  EXPECT_NEAR(core->model("m")->estimates[0].service.mean, 0.003, 0.001);
}

TEST_F(CoreNodes, OnlyMeasuredEnergyCorrectsPredictions) {
  put_model();
  const auto n1 = connect("n1");
  const auto run = [&](const std::string& source) {
    submit(spec());
    AttemptEnded ended{.session = n1, .attempt = last_assigned(n1)};
    ended.output = Payload::inlined("output");
    ended.usage = {.service = milliseconds(200), .energy_j = 8, .energy_source = source};
    apply(ended);
    const NodeId node = core->node("n1")->id;
    return core->fleet().measured_w(node, core->fleet().find_model("m")->variants.at(0));
  };
  EXPECT_EQ(run("modelled"), 0);
  EXPECT_NEAR(run("rapl"), 40, 1e-3);
}

// A node that has measured and loaded variant v0 of model m.
class ReappliedModel : public CoreNodes {
 protected:
  ReappliedModel() {
    put_model("m", {0.9}, "sha256:a");
    node = connect("n1");
    probe_ends(core->model("m")->revision);
    load(core->model("m")->revision);
  }
  void probe_ends(std::uint64_t revision) {
    apply(ProbeEnded{.session = node,
                     .variant = {"m", "v0"},
                     .revision = revision,
                     .error = "",
                     .load = milliseconds(5),
                     .service = {milliseconds(3), milliseconds(3)},
                     .memory_bytes = 1});
  }
  void load(std::uint64_t revision) {
    apply(ResidentChanged{node, {{.name = {"m", "v0"}, .revision = revision}}});
  }
  EstimateView estimate() const { return core->model("m")->estimates.at(0); }
  std::size_t probes() const { return sent<ProbeVariant>(node).size(); }

  SessionId node;
};

TEST_F(ReappliedModel, AnotherArtifactIsMeasuredAnewAndHasToBeLoaded) {
  EXPECT_EQ(estimate().service.samples, 2u);
  EXPECT_TRUE(estimate().resident);
  put_model("m", {0.9}, "sha256:b");
  EXPECT_EQ(estimate().service.samples, 0u) << "what was measured is of the old artifact";
  EXPECT_FALSE(estimate().resident);
  ASSERT_EQ(probes(), 2u);
  EXPECT_EQ(sent<ProbeVariant>(node).back().manifest_revision, core->model("m")->revision);
}

TEST_F(ReappliedModel, TheSameArtifactKeepsWhatWasMeasuredButHasToBeLoadedAgain) {
  put_model("m", {0.95}, "sha256:a");
  EXPECT_EQ(estimate().service.samples, 2u);
  EXPECT_FALSE(estimate().resident) << "no runner is shared between revisions";
  EXPECT_EQ(probes(), 1u);
  load(core->model("m")->revision - 1);
  EXPECT_FALSE(estimate().resident);
  load(core->model("m")->revision);
  EXPECT_TRUE(estimate().resident);
  load(0);
  EXPECT_TRUE(estimate().resident) << "an older agent does not say which";
}

TEST_F(ReappliedModel, AProbeOfTheOldArtifactThatEndsLateTellsNothingOfTheNew) {
  put_model("m", {0.9}, "sha256:b");
  const std::uint64_t old = core->model("m")->revision;
  put_model("m", {0.9}, "sha256:c");
  probe_ends(old);
  EXPECT_EQ(estimate().service.samples, 0u);
  ASSERT_EQ(probes(), 3u) << "and the new one is probed";
  probe_ends(core->model("m")->revision);
  EXPECT_EQ(estimate().service.samples, 2u);
}

TEST_F(ReappliedModel, ATaskThatStillRunsTheOldArtifactTellsNothingOfTheNew) {
  submit(spec());
  put_model("m", {0.9}, "sha256:b");
  finish(node, last_assigned(node));
  EXPECT_EQ(estimate().service.samples, 0u);
}

TEST_F(CoreNodes, AModelWithOpenJobsIsNotDeleted) {
  put_model();
  submit(spec());
  apply(DeleteModel{.ticket = 50, .name = "m"});
  EXPECT_EQ(answers.at(50).error().code, ErrorCode::kConflict);
}

TEST_F(CoreNodes, AModelMayLoseAVariantWhileAnAttemptOfItRuns) {
  put_model("m", {0.9, 0.99});
  const auto n1 = connect("n1");
  JobSpec job = spec();
  job.constraints.variants = {"v1"};
  const JobId id = submit(job);
  put_model("m", {0.9});
  finish(n1, last_assigned(n1));
  EXPECT_EQ(state(id), TaskState::kSucceeded);
}

}  // namespace
}  // namespace skerry::core
