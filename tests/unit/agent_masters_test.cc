// An agent with two masters: the controller and its site's own core.

#include <gmock/gmock.h>

#include "agent/agent.h"
#include "agent/memory_journal.h"
#include "tests/unit/agent_fakes.h"

namespace skerry::agent::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct FakePort final : SitePort {
  std::vector<bool> live;
  std::vector<StandingOrders> orders;
  std::vector<SiteJobTaken> settled;

  void connected(bool is) override { live.push_back(is); }
  void ordered(StandingOrders given) override { orders.push_back(std::move(given)); }
  void taken(const SiteJobTaken& job) override { settled.push_back(job); }
};

struct MastersTest : ::testing::Test {
  FakeEngine engine;
  FakeBlobs blobs;
  MemoryJournal journal;
  FakeMeter meter;
  FakeSensors sensors;
  FakeLink controller;
  FakeLink site;
  FakePort port;
  Agent agent{{.executor = {.slots = 2, .queue_depth = 1}},
              controller,
              journal,
              {&engine},
              blobs,
              meter,
              sensors,
              Epoch{},
              Random(1),
              quiet_log(),
              SiteParts{site, port}};
  Instant now = at(seconds(0));

  MastersTest() {
    agent.start(now);
    greet(Master::kController);
    greet(Master::kSite);
  }
  FakeLink& link(Master master) { return master == Master::kSite ? site : controller; }
  void greet(Master master) {
    agent.link_opened(now, link(master).id, master);
    agent.link_written(now, link(master).id, master);
    say(master, Welcome{.epoch = {1}, .session = "s"});
  }
  void say(Master master, ToAgent message) {
    std::vector<Incoming> frame;
    frame.push_back({.seq = 1, .body = std::move(message)});
    agent.link_received(now, link(master).id, std::move(frame), master);
    agent.link_written(now, controller.id, Master::kController);
    agent.link_written(now, site.id, Master::kSite);
    now += milliseconds(10);  // for what waits a moment for company
    agent.on_time(now);
    agent.link_written(now, controller.id, Master::kController);
    agent.link_written(now, site.id, Master::kSite);
  }
  void succeed(RunToken token) {
    engine.succeed(token);
    agent.settle(now);
  }
};

TEST_F(MastersTest, BothAreGreetedAndShareTheCapacity) {
  EXPECT_THAT(controller.sent<Hello>(), SizeIs(1));
  EXPECT_THAT(site.sent<Hello>(), SizeIs(1));
  EXPECT_EQ(site.sent<Hello>()[0].capacity, 3u);
  say(Master::kController, assignment(1));
  say(Master::kSite, assignment(2));
  say(Master::kSite, assignment(3));
  EXPECT_THAT(engine.started, SizeIs(2));
  say(Master::kSite, assignment(4));
  ASSERT_THAT(site.sent<Returned>(), SizeIs(1));
  EXPECT_EQ(site.sent<Returned>()[0].attempt.uid.low, 4u);
  EXPECT_THAT(controller.sent<Returned>(), IsEmpty());
}

TEST_F(MastersTest, EachHearsOfItsOwnWorkAlone) {
  say(Master::kController, assignment(1));
  say(Master::kSite, assignment(2));
  succeed(1);
  succeed(2);
  ASSERT_THAT(controller.sent<Ended>(), SizeIs(1));
  EXPECT_EQ(controller.sent<Ended>()[0].attempt.uid.low, 1u);
  ASSERT_THAT(site.sent<Ended>(), SizeIs(1));
  EXPECT_EQ(site.sent<Ended>()[0].attempt.uid.low, 2u);
  EXPECT_EQ(controller.sent<Started>()[0].attempt.uid.low, 1u);
  EXPECT_EQ(site.sent<Started>()[0].attempt.uid.low, 2u);
}

// The site's jobs stand in the site's own store; the agent's journal is the controller's.
TEST_F(MastersTest, OnlyTheControllersWorkIsInTheAgentsJournal) {
  say(Master::kSite, assignment(2));
  EXPECT_THAT(journal.accepted_refs(), IsEmpty());
  succeed(1);
  EXPECT_EQ(journal.spooled_count(), 0u);
  EXPECT_EQ(agent.telemetry(now).spooled, 0u);
}

TEST_F(MastersTest, TheSiteWorksOnWhileTheControllerIsAway) {
  EXPECT_THAT(port.live, ElementsAre(true));
  agent.link_closed(now, controller.id, "gone", Master::kController);
  EXPECT_THAT(port.live, ElementsAre(true, false));
  say(Master::kSite, assignment(2));
  succeed(1);
  EXPECT_THAT(site.sent<Ended>(), SizeIs(1));
}

TEST_F(MastersTest, OnlyTheControllerDrainsAndGivesOrders) {
  for (const Master master : {Master::kSite, Master::kController}) {
    say(master, NodeMode{.draining = true});
    say(master, StandingOrders{.policy = "greedy"});
    say(master, SiteJobTaken{.id = JobId::make({9}, 1)});
    EXPECT_THAT(port.orders, SizeIs(master == Master::kController ? 1 : 0));
    EXPECT_THAT(port.settled, SizeIs(master == Master::kController ? 1 : 0));
    EXPECT_EQ(agent.hello().capacity, master == Master::kController ? 0u : 3u);
  }
}

TEST_F(MastersTest, WhatIsBroughtGoesToTheController) {
  agent.bring(now, {.id = JobId::make({9}, 1), .job = "j"});
  EXPECT_THAT(controller.sent<SiteJob>(), SizeIs(1));
  EXPECT_THAT(site.sent<SiteJob>(), IsEmpty());
}

TEST_F(MastersTest, ItStopsWhenBothAreSettled) {
  say(Master::kSite, assignment(2));
  agent.stop(now);
  EXPECT_FALSE(agent.stopped());
  succeed(1);
  agent.link_written(now, controller.id, Master::kController);
  agent.link_written(now, site.id, Master::kSite);
  EXPECT_FALSE(agent.stopped());  // the site's result is not settled
  say(Master::kSite, ResultAck{.attempt = ref(2), .committed = true});
  say(Master::kSite, HeartbeatAck{});
  EXPECT_TRUE(agent.stopped());
}

}  // namespace
}  // namespace skerry::agent::testing
