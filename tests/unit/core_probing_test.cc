// Probes: each variant on every new node, and again where little is known.

#include <gmock/gmock.h>

#include "tests/unit/core_world.h"

namespace skerry::core {
namespace {

using CoreProbing = CoreWorld;

TEST_F(CoreProbing, EveryVariantIsProbedOnceOnANewNode) {
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

TEST_F(CoreProbing, AVariantThatTakesMoreThanANodeGivesIsNotPlacedThere) {
  put_model();
  const auto n1 = connect("n1");
  apply(ProbeEnded{.session = n1,
                   .variant = {"m", "v0"},
                   .error = "",
                   .load = milliseconds(5),
                   .service = {milliseconds(3)},
                   .memory_bytes = 2ULL << 30});
  submit(spec());
  EXPECT_TRUE(sent<AssignAttempt>(n1).empty());
}

// A node with both variants loaded and measured, once each.
class ProbedNode : public CoreWorld {
 protected:
  ProbedNode() {
    put_model("m", {0.9, 0.99});
    n1 = connect("n1");
    answer_probe(milliseconds(3));
    answer_probe(milliseconds(8));  // an unlucky moment
    apply(ResidentChanged{.session = n1, .variants = {{{"m", "v0"}}, {{"m", "v1"}}}});
  }
  void answer_probe(Duration took) {
    const ProbeVariant probe = probes().back();
    apply(ProbeEnded{.session = n1,
                     .variant = {probe.model, probe.variant},
                     .error = "",
                     .load = {},
                     .service = std::vector<Duration>(5, took),
                     .memory_bytes = 1});
  }
  // Heartbeats, and answers to the probes, as an idle node gives them.
  void idle(Duration time, Duration v0, Duration v1) {
    for (const Instant end = now + time; now < end;) {
      pass(seconds(1));
      const std::size_t before = probes().size();
      apply(AgentHeartbeat{.session = n1, .rtt = {}, .telemetry = {}});
      if (probes().size() > before) {
        answer_probe(probes().back().variant == "v0" ? v0 : v1);
      }
    }
  }
  std::vector<ProbeVariant> probes() const { return sent<ProbeVariant>(n1); }
  double service_s(std::size_t variant) const {
    return core->model("m")->estimates.at(variant).service.mean;
  }

  SessionId n1;
};

TEST_F(ProbedNode, AnUnluckyMeasurementIsMendedWithinAMinuteOfIdling) {
  EXPECT_NEAR(service_s(1), 0.008, 1e-9);
  idle(seconds(60), milliseconds(3), milliseconds(4));
  EXPECT_NEAR(service_s(0), 0.003, 1e-9);
  EXPECT_NEAR(service_s(1), 0.004, 1e-9);
  EXPECT_TRUE(probes().back().resident_only);
}

TEST_F(ProbedNode, WhatIsKnownWellIsProbedAgainOnlyWhenItIsOld) {
  idle(seconds(120), milliseconds(3), milliseconds(4));
  const std::size_t settled = probes().size();
  EXPECT_LE(settled, 2 + 2 * 3U);  // a probe counts as three of the ten
  idle(minutes(8), milliseconds(3), milliseconds(4));
  EXPECT_EQ(probes().size(), settled);
  idle(minutes(4), milliseconds(6), milliseconds(4));
  EXPECT_GT(probes().size(), settled);
  EXPECT_NEAR(service_s(0), 0.006, 0.001);  // what changed meanwhile is followed
}

TEST_F(ProbedNode, ProbesOfANodeAreApart) {
  std::vector<Instant> times;
  for (int i = 0; i < 400; ++i) {
    pass(milliseconds(100));
    const std::size_t before = probes().size();
    apply(AgentHeartbeat{.session = n1, .rtt = {}, .telemetry = {}});
    if (probes().size() > before) {
      times.push_back(now);
      answer_probe(milliseconds(3));
    }
  }
  ASSERT_GE(times.size(), 4U);
  for (std::size_t i = 1; i < times.size(); ++i) {
    EXPECT_GE(times[i] - times[i - 1], settings.probe_interval / 2);
  }
}

TEST_F(ProbedNode, WhatWasLoadedIsLoadedAgainAfterANewStart) {
  const auto probed = [this] {
    std::vector<std::string> variants;
    for (const ProbeVariant& probe : probes()) {
      EXPECT_FALSE(probe.resident_only);
      variants.push_back(probe.variant);
    }
    return variants;
  };
  n1 = connect("n1");  // the same agent on a new stream, which says that nothing is loaded
  EXPECT_THAT(probed(), testing::IsEmpty());

  apply(ResidentChanged{.session = n1, .variants = {{{"m", "v1"}}}});
  agents_incarnation = 2;
  n1 = connect("n1");
  EXPECT_THAT(probed(), testing::ElementsAre("v1"));
  answer_probe(milliseconds(8));
  EXPECT_THAT(probed(), testing::ElementsAre("v1"));
}

TEST_F(ProbedNode, ABusyNodeAndWhatIsNotLoadedAreLeftAlone) {
  const std::size_t before = probes().size();
  submit(spec());
  for (int i = 0; i < 30; ++i) {
    pass(seconds(1));
    apply(AgentHeartbeat{.session = n1, .rtt = {}, .telemetry = {}});
  }
  EXPECT_EQ(probes().size(), before);
  finish(n1, last_assigned(n1));
  apply(ResidentChanged{.session = n1, .variants = {}});
  idle(seconds(60), milliseconds(3), milliseconds(3));
  EXPECT_EQ(probes().size(), before);
}

// A node that has measured its only variant, and pushed it out since. Loading it takes 2 s.
class ColdNode : public CoreWorld {
 protected:
  ColdNode() {
    put_model();
    n1 = connect("n1");
    load_probe();
    apply(ResidentChanged{.session = n1, .variants = {}});
  }
  void load_probe(std::string error = {}) {
    apply(ProbeEnded{.session = n1,
                     .variant = {"m", "v0"},
                     .error = std::move(error),
                     .load = seconds(2),
                     .service = {milliseconds(10), milliseconds(10)},
                     .memory_bytes = 1});
  }
  JobId submit_due_in(Duration time) {
    JobSpec job = spec();
    job.constraints.deadline = now + time;
    return submit(job);
  }
  std::size_t probes() const { return sent<ProbeVariant>(n1).size(); }

  SessionId n1;
};

TEST_F(ColdNode, ATaskWithoutTimeForALoadHasItsVariantLoaded) {
  const JobId id = submit_due_in(milliseconds(1000));
  ASSERT_EQ(probes(), 2u);
  EXPECT_FALSE(sent<ProbeVariant>(n1).back().resident_only);
  EXPECT_EQ(state(id), TaskState::kReady);
  pass(milliseconds(500));
  apply(ResidentChanged{.session = n1, .variants = {{{"m", "v0"}}}});
  EXPECT_EQ(state(id), TaskState::kLeased);
}

TEST_F(ColdNode, TheNextTaskFindsItLoadedIfItIsTooLateForTheFirst) {
  const JobId late = submit_due_in(milliseconds(100));
  pass(seconds(2));
  EXPECT_EQ(state(late), TaskState::kExpired);
  apply(ResidentChanged{.session = n1, .variants = {{{"m", "v0"}}}});
  load_probe();
  EXPECT_EQ(state(submit_due_in(milliseconds(100))), TaskState::kLeased);
}

TEST_F(ColdNode, ATaskWithTooFewJoulesForALoadHasItsVariantLoaded) {
  power = {.idle_w = 1, .busy_w = 3};  // two slots: 1.5 W each; a forward is 15 mJ, a load 3 J
  n1 = connect("n1");
  JobSpec job = spec();
  job.constraints.max_energy_j = 0.1;
  const JobId id = submit(job);
  EXPECT_EQ(probes(), 1u);
  apply(ResidentChanged{.session = n1, .variants = {{{"m", "v0"}}}});
  EXPECT_EQ(state(id), TaskState::kLeased);
}

TEST_F(ColdNode, NothingIsLoadedForATaskThatItWouldNotHelp) {
  submit_due_in(milliseconds(5));  // the forward alone takes 10 ms
  EXPECT_EQ(probes(), 1u);
}

TEST_F(ColdNode, ManyTasksAndAFailureAskForFewLoads) {
  for (int i = 0; i < 20; ++i) {
    submit_due_in(milliseconds(900));
  }
  EXPECT_EQ(probes(), 2u);
  load_probe("out of memory");
  for (int i = 0; i < 5; ++i) {
    pass(seconds(1));
    apply(AgentHeartbeat{.session = n1, .rtt = {}, .telemetry = {}});
    submit_due_in(milliseconds(900));
  }
  EXPECT_EQ(probes(), 2u);
}

}  // namespace
}  // namespace skerry::core
