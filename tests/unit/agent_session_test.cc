// The session: greeting, heartbeats, reconnects, results until acknowledged, fences.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/session.h"
#include "tests/unit/agent_fakes.h"

namespace skerry::agent {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Subject final : SessionSubject {
  Hello hello() override { return {.node_name = "kiosk", .incarnation = 3, .capacity = 5}; }
  Telemetry telemetry(Instant) override { return {.cpu_fraction = 0.5}; }
};

struct SessionTest : ::testing::Test {
  FakeLink link;
  MemoryJournal journal;
  Subject subject;
  Session session{{}, link, journal, subject, Epoch{4}, Random(1), quiet_log()};

  void greet(Instant now, std::uint64_t epoch = 4) {
    session.opened(now, link.id);
    written(now);
    hear(now, Welcome{.version = 1, .epoch = Epoch{epoch}});
  }
  std::optional<ToAgent> hear(Instant now, ToAgent body, std::uint64_t seq = 1) {
    auto command = session.received(now, link.id, {.seq = seq, .body = std::move(body)});
    session.flush(now);
    return command;
  }
  void written(Instant now) {
    session.written(now, link.id);
    session.flush(now);
  }
  void tick(Instant now) {
    session.on_time(now);
    session.flush(now);
  }
  // A result in the spool.
  void finish(std::uint64_t n, std::string output = "out") {
    journal.accept({.assign = assignment(n), .manifest = nullptr, .received = at(seconds(0))});
    journal.finish({.attempt = ref(n), .output = Payload::inlined(std::move(output))});
  }
  std::vector<std::uint64_t> results() const {
    std::vector<std::uint64_t> uids;
    for (const Ended& ended : link.sent<Ended>()) {
      uids.push_back(ended.attempt.uid.low);
    }
    return uids;
  }
};

TEST_F(SessionTest, TheHelloCarriesWhatRunsAndWhatWaitsToBeDelivered) {
  journal.accept({.assign = assignment(1), .manifest = nullptr, .received = at(seconds(0))});
  finish(2);
  session.start(at(seconds(0)));
  session.opened(at(seconds(0)), link.id);
  ASSERT_THAT(link.frames, SizeIs(1));
  EXPECT_EQ(link.frames[0][0].seq, 1u);
  const Hello hello = std::get<Hello>(link.frames[0][0].body);
  EXPECT_EQ(hello.node_name, "kiosk");
  EXPECT_THAT(hello.running, ElementsAre(ref(1)));
  EXPECT_THAT(hello.spooled, ElementsAre(ref(2)));
  EXPECT_EQ(hello.alone, Duration(0));
  EXPECT_FALSE(session.live());
}

TEST_F(SessionTest, AHeartbeatLeavesEverySecondAndItsEchoMeasuresTheRoundTrip) {
  session.start(at(seconds(0)));
  greet(at(seconds(0)));
  tick(at(seconds(0)));
  ASSERT_THAT(link.sent<Heartbeat>(), SizeIs(1));
  written(at(seconds(0)));
  hear(at(milliseconds(40)), HeartbeatAck{.sent = at(seconds(0))});
  EXPECT_EQ(session.next_timer(), at(seconds(1)));
  tick(at(seconds(1)));
  ASSERT_THAT(link.sent<Heartbeat>(), SizeIs(2));
  EXPECT_EQ(link.sent<Heartbeat>()[1].rtt, milliseconds(40));
  EXPECT_EQ(link.sent<Heartbeat>()[1].telemetry.cpu_fraction, 0.5);
}

TEST_F(SessionTest, TheWelcomeMaySetTheHeartbeat) {
  session.start(at(seconds(0)));
  session.opened(at(seconds(0)), link.id);
  written(at(seconds(0)));
  hear(at(seconds(0)), Welcome{.epoch = Epoch{4}, .heartbeat = milliseconds(250)});
  tick(at(seconds(0)));
  EXPECT_EQ(session.next_timer(), at(milliseconds(250)));
}

TEST_F(SessionTest, MessagesGatherWhileAWriteIsUnderWay) {
  session.start(at(seconds(0)));
  greet(at(seconds(0)));
  session.send(at(seconds(0)), Returned{ref(1)});
  session.flush(at(seconds(0)));
  session.send(at(seconds(0)), Started{ref(2)});
  session.send(at(seconds(0)), Credits{4});
  session.send(at(seconds(0)), Credits{9});
  finish(3);
  session.flush(at(seconds(0)));
  ASSERT_THAT(link.frames, SizeIs(2));  // hello, returned 1
  written(at(seconds(0)));
  ASSERT_THAT(link.frames, SizeIs(3));
  EXPECT_THAT(link.frames[2], SizeIs(3));  // one frame: the newest credits, started 2, the result
  EXPECT_EQ(link.sent<Credits>().back().capacity, 9u);
  EXPECT_THAT(results(), ElementsAre(3));
  EXPECT_EQ(link.frames[2].back().seq, 5u);
}

TEST_F(SessionTest, AStartWaitsAMomentForItsResultAndLeavesAloneIfNoneComes) {
  session.start(at(seconds(0)));
  greet(at(seconds(0)));
  tick(at(seconds(0)));
  written(at(seconds(0)));
  const std::size_t before = link.frames.size();
  session.send(at(seconds(0)), Started{ref(1)});
  session.flush(at(seconds(0)));
  EXPECT_THAT(link.frames, SizeIs(before));
  finish(1);
  session.flush(at(milliseconds(1)));
  ASSERT_THAT(link.frames, SizeIs(before + 1));
  EXPECT_THAT(link.frames.back(), SizeIs(2));
  written(at(milliseconds(1)));
  session.send(at(milliseconds(2)), Started{ref(2)});
  session.flush(at(milliseconds(2)));
  EXPECT_EQ(session.next_timer(), at(milliseconds(7)));
  tick(at(milliseconds(7)));
  ASSERT_THAT(link.frames, SizeIs(before + 2));
  EXPECT_EQ(session.next_timer(), at(seconds(1)));
}

TEST_F(SessionTest, ResultsAreSentAgainInOrderAfterEveryWelcomeUntilAcknowledged) {
  session.start(at(seconds(0)));
  for (std::uint64_t n : {1, 2, 3}) {
    finish(n);
  }
  greet(at(seconds(0)));
  EXPECT_THAT(results(), ElementsAre(1, 2, 3));
  hear(at(seconds(0)), ResultAck{.attempt = ref(2), .committed = true});
  session.closed(at(seconds(1)), link.id, "reset");
  tick(session.next_timer());
  greet(at(seconds(2)));
  EXPECT_THAT(results(), ElementsAre(1, 3));
  hear(at(seconds(2)), ResultAck{.attempt = ref(1), .committed = false});
  hear(at(seconds(2)), ResultAck{.attempt = ref(3), .committed = true});
  EXPECT_EQ(journal.spooled_count(), 0u);
}

TEST_F(SessionTest, FramesStayBelowTheirLimit) {
  session.start(at(seconds(0)));
  for (std::uint64_t n = 1; n <= 10; ++n) {
    finish(n, std::string(200'000, 'x'));
  }
  greet(at(seconds(0)));
  EXPECT_THAT(results(), SizeIs(6));  // the sixth passes 1 MiB
  written(at(seconds(0)));
  EXPECT_THAT(results(), SizeIs(10));
}

TEST_F(SessionTest, ReconnectsWithGrowingJitterUpToTheCap) {
  session.start(at(seconds(0)));
  Instant now = at(seconds(0));
  Duration longest{};
  for (int failure = 0; failure < 40; ++failure) {
    session.closed(now, link.id, "refused");
    const Duration delay = session.next_timer() - now;
    EXPECT_LE(delay,
              std::min<Duration>(milliseconds(100) * (std::int64_t{1} << std::min(failure, 20)),
                                 seconds(5)));
    longest = std::max(longest, delay);
    now = session.next_timer();
    tick(now);
    EXPECT_EQ(link.connects, failure + 2);
  }
  EXPECT_GT(longest, seconds(3));
}

TEST_F(SessionTest, TellsHowLongItWasAlone) {
  session.start(at(seconds(0)));
  greet(at(seconds(0)));
  session.closed(at(seconds(5)), link.id, "cut");
  tick(session.next_timer());
  session.opened(at(seconds(65)), link.id);
  EXPECT_EQ(link.sent<Hello>()[0].alone, seconds(60));
}

TEST_F(SessionTest, CommandsOfAnOlderEpochAreIgnoredAndAnOlderLeaderIsLeft) {
  session.start(at(seconds(0)));
  greet(at(seconds(0)), 6);
  Assign old = assignment(1);
  old.epoch = Epoch{5};
  EXPECT_FALSE(hear(at(seconds(0)), old));
  EXPECT_FALSE(hear(at(seconds(0)), Cancel{.attempt = ref(1), .epoch = Epoch{5}}));
  old.epoch = Epoch{6};
  EXPECT_TRUE(hear(at(seconds(0)), old));
  session.closed(at(seconds(1)), link.id, "reset");
  tick(session.next_timer());
  greet(at(seconds(2)), 5);
  EXPECT_FALSE(session.live());
  EXPECT_TRUE(link.closed_by_agent);
  EXPECT_EQ(session.newest_epoch(), Epoch{6});
}

TEST_F(SessionTest, EventsOfAnEarlierConnectionAreDropped) {
  session.start(at(seconds(0)));
  const ConnectionId first = link.id;
  session.closed(at(seconds(0)), first, "refused");
  tick(session.next_timer());
  session.opened(at(seconds(1)), first);
  EXPECT_THAT(link.frames, SizeIs(0));
  EXPECT_FALSE(
      session.received(at(seconds(1)), first, {.seq = 1, .body = Welcome{.epoch = Epoch{9}}}));
  session.closed(at(seconds(1)), first, "late");
  EXPECT_EQ(session.newest_epoch(), Epoch{4});
  greet(at(seconds(1)));
  EXPECT_TRUE(session.live());
}

TEST_F(SessionTest, AnUnknownMessageIsRefusedAndTheStreamGoesOn) {
  session.start(at(seconds(0)));
  greet(at(seconds(0)));
  hear(at(seconds(0)), Unknown{}, 7);
  const auto refusals = link.sent<Refused>();
  ASSERT_THAT(refusals, SizeIs(1));
  EXPECT_EQ(refusals[0].seq, 7u);
  EXPECT_EQ(refusals[0].code, "unsupported");
  EXPECT_TRUE(session.live());
}

TEST_F(SessionTest, ASilentControllerIsLeftAfterTheLimit) {
  session.start(at(seconds(0)));
  greet(at(seconds(0)));
  for (int second = 0; second < 10; ++second) {
    tick(at(seconds(second)));
    written(at(seconds(second)));
    EXPECT_TRUE(session.live());
  }
  tick(at(seconds(10)));
  EXPECT_FALSE(session.live());
  EXPECT_TRUE(link.closed_by_agent);
}

TEST_F(SessionTest, ARefusedHelloWaitsTheLongest) {
  session.start(at(seconds(0)));
  session.opened(at(seconds(0)), link.id);
  hear(at(seconds(0)), Refused{.seq = 1, .code = "unsupported", .message = "no common version"});
  EXPECT_FALSE(session.live());
  Duration longest{};
  for (int round = 0; round < 20; ++round) {
    const Instant now = session.next_timer();
    tick(now);
    session.opened(now, link.id);
    hear(now, Refused{.seq = 1, .code = "unsupported", .message = "no common version"});
    longest = std::max(longest, session.next_timer() - now);
  }
  EXPECT_GT(longest, seconds(3));
}

TEST_F(SessionTest, AControllerThatDoesNotReadIsLeftInsteadOfFillingMemory) {
  session.start(at(seconds(0)));
  greet(at(seconds(0)));
  session.send(at(seconds(0)), Returned{ref(0)});
  session.flush(at(seconds(0)));  // a write that never ends
  for (std::uint64_t n = 1; n <= 5000 && session.live(); ++n) {
    session.send(at(seconds(0)), Started{ref(n)});
  }
  EXPECT_FALSE(session.live());
}

TEST_F(SessionTest, GoodbyeLeavesOnlyAfterEveryResultIsSettled) {
  session.start(at(seconds(0)));
  finish(1);
  greet(at(seconds(0)));
  session.finish(at(seconds(0)), "stopping");
  written(at(seconds(0)));
  EXPECT_THAT(link.sent<Goodbye>(), SizeIs(0));
  hear(at(seconds(0)), ResultAck{.attempt = ref(1), .committed = true});
  EXPECT_THAT(link.sent<Goodbye>(), SizeIs(1));
  EXPECT_FALSE(session.stopped());
  written(at(seconds(0)));
  EXPECT_TRUE(session.stopped());
}

TEST_F(SessionTest, WhatHappensBetweenHelloAndWelcomeIsSaidAfterIt) {
  journal.accept({.assign = assignment(1), .manifest = nullptr, .received = at(seconds(0))});
  session.start(at(seconds(0)));
  session.send(at(seconds(0)), Credits{1});  // before the hello, which will say it
  session.opened(at(seconds(0)), link.id);
  session.send(at(seconds(0)), Returned{ref(1)});
  session.send(at(seconds(0)), Credits{9});
  session.send(at(seconds(0)), Resident{{{"digits", "s"}}});
  written(at(seconds(0)));
  ASSERT_THAT(link.frames, SizeIs(1)) << "nothing leaves before the welcome";
  hear(at(seconds(0)), Welcome{.epoch = Epoch{4}});
  ASSERT_THAT(link.sent<Returned>(), SizeIs(1));
  EXPECT_EQ(link.sent<Returned>()[0].attempt, ref(1));
  ASSERT_THAT(link.sent<Credits>(), SizeIs(1));
  EXPECT_EQ(link.sent<Credits>()[0].capacity, 9u);
  EXPECT_THAT(link.sent<Resident>(), SizeIs(1));
}

TEST_F(SessionTest, WhatWaitedForAWelcomeThatNeverCameIsNotSaidOnTheNextConnection) {
  session.start(at(seconds(0)));
  session.opened(at(seconds(0)), link.id);
  session.send(at(seconds(0)), Returned{ref(1)});
  session.closed(at(seconds(0)), link.id, "reset");
  tick(session.next_timer());
  greet(at(seconds(9)));
  EXPECT_THAT(link.sent<Returned>(), IsEmpty());
}

}  // namespace
}  // namespace skerry::agent
