// Models: applied, applied again, deleted, tripped, and what is measured of them.

#include "tests/unit/core_world.h"

namespace skerry::core {
namespace {

using CoreModels = CoreWorld;

TEST_F(CoreModels, AModelThatCrashesEverywhereIsTrippedForAWhile) {
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

TEST_F(CoreModels, IsTrippedByCrashesOnThreeNodesWithinTenMinutesAndNoSuccessThereSince) {
  settings.max_crashes = 100;
  restart({});
  put_model();
  std::vector<SessionId> nodes;
  for (const char* name : {"n1", "n2", "n3"}) {
    nodes.push_back(connect(name));
  }
  const auto end_on = [&](std::size_t node, AttemptOutcome outcome) {
    JobSpec job = spec();
    job.constraints.node = std::array{"n1", "n2", "n3"}.at(node);
    apply(Submit{.ticket = ++tickets, .jobs = {job}});
    const JobId id = std::get<Submitted>(*answers.at(tickets)).jobs.at(0);
    finish(nodes[node], last_assigned(nodes[node]), outcome);
    apply(CancelJob{.ticket = ++tickets, .job = id});  // else it is tried again
  };
  const auto pass_alive = [&](Duration time) {
    for (const Instant end = now + time; now < end;) {
      pass(seconds(1));
      for (const SessionId node : nodes) {
        apply(AgentHeartbeat{.session = node});
      }
    }
  };
  const auto tripped = [&] { return core->model("m")->tripped; };
  end_on(0, AttemptOutcome::kCrashed);
  end_on(0, AttemptOutcome::kCrashed);
  end_on(0, AttemptOutcome::kCrashed);
  end_on(1, AttemptOutcome::kCrashed);
  EXPECT_FALSE(tripped()) << "two nodes, however often";
  end_on(1, AttemptOutcome::kSucceeded);
  end_on(2, AttemptOutcome::kCrashed);
  EXPECT_FALSE(tripped()) << "it works on one of the three";
  pass_alive(minutes(11));
  end_on(1, AttemptOutcome::kCrashed);
  EXPECT_FALSE(tripped()) << "the others were long ago";
  end_on(0, AttemptOutcome::kCrashed);
  end_on(2, AttemptOutcome::kCrashed);
  EXPECT_TRUE(tripped());
}

TEST_F(CoreModels, RestsTwiceAsLongEachTimeItTripsUntilATaskSucceeds) {
  settings.trip_nodes = 1;
  settings.trip_first = seconds(5);
  settings.trip_time = seconds(15);
  restart({});
  put_model();
  const SessionId node = connect("n1");
  const auto rest_after_a_crash = [&] {
    const JobId id = submit(spec());
    finish(node, last_assigned(node), AttemptOutcome::kCrashed);
    apply(CancelJob{.ticket = ++tickets, .job = id});
    Duration rest{};
    while (core->model("m")->tripped) {
      apply(AgentHeartbeat{.session = node});
      pass(seconds(1));
      rest += seconds(1);
    }
    return rest;
  };
  EXPECT_EQ(rest_after_a_crash(), seconds(5));
  EXPECT_EQ(rest_after_a_crash(), seconds(10));
  EXPECT_EQ(rest_after_a_crash(), seconds(15));
  EXPECT_EQ(rest_after_a_crash(), seconds(15));
  submit(spec());
  finish(node, last_assigned(node));
  EXPECT_EQ(rest_after_a_crash(), seconds(5));
  put_model("m", {0.5});
  EXPECT_EQ(rest_after_a_crash(), seconds(5)) << "what was applied anew has not tripped yet";
}

TEST_F(CoreModels, ARevisionNamesOneManifestForEverAlsoAfterTheModelWasDeleted) {
  put_model();
  const auto first = core->model("m")->revision;
  apply(DeleteModel{.ticket = 60, .name = "m"});
  put_model("m", {0.5});
  EXPECT_GT(core->model("m")->revision, first);
}

TEST_F(CoreModels, AModelWithOpenJobsIsNotDeleted) {
  put_model();
  submit(spec());
  apply(DeleteModel{.ticket = 50, .name = "m"});
  EXPECT_EQ(answers.at(50).error().code, ErrorCode::kConflict);
}

// A model that lost the variant of which an attempt runs.
class LostVariant : public CoreModels {
 protected:
  LostVariant() {
    put_model("m", {0.9, 0.99});
    node = connect("n1");
    JobSpec wants = spec();
    wants.constraints.variants = {"v1"};
    job = submit(wants);
    put_model("m", {0.9});
  }
  SessionId node;
  JobId job;
};

TEST_F(LostVariant, ItsAttemptMaySucceed) {
  finish(node, last_assigned(node));
  EXPECT_EQ(state(job), TaskState::kSucceeded);
}

TEST_F(LostVariant, ItsCancelledAttemptHoldsItsSlotUntilItIsOver) {
  apply(CancelJob{.ticket = ++tickets, .job = job});
  EXPECT_EQ(state(job), TaskState::kCancelled);
  EXPECT_EQ(core->node("n1")->outstanding, 1u);
  finish(node, last_assigned(node), AttemptOutcome::kCancelled);
  EXPECT_EQ(core->node("n1")->outstanding, 0u);
}

TEST_F(CoreModels, OnlyMeasuredEnergyCorrectsPredictions) {
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
class ReappliedModel : public CoreModels {
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

}  // namespace
}  // namespace skerry::core
