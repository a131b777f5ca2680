// Nodes: silence, reconnection, re-placement, drain, the brake, restarts of the controller.

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
  pass(settings.suspect_after - milliseconds(100));
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
  pass(settings.suspect_after + milliseconds(100));
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
  pass(settings.suspect_after - seconds(1));
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
  const JobChanged end = told<JobChanged>().back();
  EXPECT_EQ(end.state, TaskState::kSucceeded);
  EXPECT_EQ(end.attempt, old.number) << "watchers are told whose result it is, not of the newest";
  EXPECT_EQ(end.node, "n1");
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
  nodes.reserve(6);
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

// They become suspect over the second in which their heartbeats would have come; the first ones of
// them are not taken for dead either.
TEST_F(CoreNodes, TheBrakeHoldsFromTheFirstThatBecomesSuspectOn) {
  put_model();
  std::vector<SessionId> nodes;
  nodes.reserve(5);
  for (int i = 0; i < 5; ++i) {
    nodes.push_back(connect("n" + std::to_string(i)));
    pass(milliseconds(200));
  }
  std::vector<JobId> jobs;
  for (int i = 0; i < 3; ++i) {  // the other two could take them, but were busy
    JobSpec job = spec();
    job.urgency = Urgency::kInteractive;
    jobs.push_back(submit(job));
  }
  for (const JobId job : jobs) {
    const NodeId node = core->find_job(job)->live.at(0).node;
    EXPECT_LT(node.value, 3u);
  }
  for (int beat = 0; beat < 20; ++beat) {  // the other two are heard of
    pass(milliseconds(400));
    apply(AgentHeartbeat{.session = nodes[3]});
    apply(AgentHeartbeat{.session = nodes[4]});
  }
  EXPECT_TRUE(core->queue_stats(now).braking);
  for (const JobId job : jobs) {
    EXPECT_EQ(core->find_job(job)->attempts, 1u);
    EXPECT_EQ(state(job), TaskState::kUnknown);
  }
}

TEST_F(CoreNodes, APauseOfTheControllerItselfMovesNothing) {
  put_model();
  std::vector<SessionId> nodes;
  for (int i = 0; i < 6; ++i) {
    nodes.push_back(connect("n" + std::to_string(i)));
    pass(milliseconds(100));
  }
  JobSpec job = spec();
  job.urgency = Urgency::kInteractive;
  job.constraints.node = "n0";
  const JobId id = submit(job);
  apply(AttemptStarted{nodes[0], last_assigned(nodes[0])});
  now += seconds(8);  // nothing was read meanwhile, and the timers come first
  apply(Tick{});
  apply(Tick{});
  EXPECT_EQ(state(id), TaskState::kUnknown);
  for (const SessionId node : nodes) {
    apply(AgentHeartbeat{.session = node});
  }
  EXPECT_EQ(state(id), TaskState::kRunning);
  EXPECT_EQ(core->find_job(id)->attempts, 1u);
  EXPECT_FALSE(core->queue_stats(now).braking);
  for (const auto& change : told<NodeChanged>()) {
    EXPECT_NE(change.reason, "given up");
  }
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

class HopelessTask : public CoreWorld {
 protected:
  std::size_t tries() const {  // that ended without a node
    return static_cast<std::size_t>(std::ranges::count_if(held, [](const Output& output) {
      const auto* happening = std::get_if<Happening>(&output.what);
      const auto* made = happening ? std::get_if<DecisionMade>(happening) : nullptr;
      return made != nullptr && !made->placed;
    }));
  }
  JobSpec hopeless() const {
    JobSpec job = spec();
    job.constraints.max_energy_j = 1e-9;
    return job;
  }
};

TEST_F(HopelessTask, IsTriedOnceASecondHoweverMuchEndsMeanwhile) {
  settings.probe_runs = 0;
  restart({});
  power = {.idle_w = 1, .busy_w = 3};
  put_model();
  const auto n1 = connect("n1");
  submit(hopeless());
  EXPECT_EQ(tries(), 1u);
  for (int i = 0; i < 100; ++i) {
    submit(spec());
    finish(n1, last_assigned(n1));
  }
  EXPECT_EQ(tries(), 1u);
  pass(seconds(2));
  EXPECT_LE(tries(), 3u);
  EXPECT_GE(tries(), 2u);
}

TEST_F(HopelessTask, RunsOnANewNodeAtOnce) {
  power = {.idle_w = 1, .busy_w = 3};
  put_model();
  connect("n1");
  const JobId id = submit(hopeless());
  EXPECT_EQ(state(id), TaskState::kReady);
  power = {};
  connect("free of charge");
  EXPECT_EQ(state(id), TaskState::kLeased);
}

TEST_F(HopelessTask, DoesNotKeepOthersOfItsLaneWaitingForEver) {
  power = {.idle_w = 1, .busy_w = 3, .transfer_j_per_byte = 1};
  put_model();
  const auto n1 = connect("n1");
  apply(ResidentChanged{.session = n1, .variants = {{{"m", "v0"}}}});
  JobSpec large = spec();  // its bytes alone take more joules than it may
  large.constraints.max_energy_j = 10;
  large.inputs = Payload::inlined(std::string(100, 'x'));
  submit(large);
  JobSpec small = spec();
  small.constraints.max_energy_j = 10;
  const JobId id = submit(small);
  pass(seconds(2));
  EXPECT_EQ(state(id), TaskState::kLeased);
}

TEST_F(CoreNodes, TellsWhenANodesSpoolIsFullAndWhenItHasRoomAgain) {
  const SessionId session = connect("n1");
  for (const bool full : {false, true, true, false}) {
    apply(AgentHeartbeat{.session = session, .telemetry = {.spooled = 7, .spool_full = full}});
  }
  const auto changes = told<SpoolChanged>();
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].node, "n1");
  EXPECT_EQ(changes[0].spooled, 7u);
  EXPECT_TRUE(changes[0].full);
  EXPECT_FALSE(changes[1].full);
}

TEST_F(CoreNodes, ShowsTheDevicesOfANodeAndWhatItsGpusDo) {
  AgentHello hello{
      .session = SessionId{++sessions}, .incarnation = 1, .devices = {"cpu", "cuda:0"}};
  hello.node.name = "n1";
  apply(hello);
  apply(AgentHeartbeat{
      .session = hello.session,
      .telemetry = {.gpu_fraction = 0.5, .gpu_memory_used_bytes = 6, .gpu_memory_total_bytes = 7}});
  const auto node = core->node("n1");
  EXPECT_EQ(node->devices, hello.devices);
  EXPECT_EQ(node->telemetry.gpu_fraction, 0.5);
  EXPECT_EQ(node->telemetry.gpu_memory_used_bytes, 6u);
  EXPECT_EQ(node->telemetry.gpu_memory_total_bytes, 7u);
}

}  // namespace
}  // namespace skerry::core
