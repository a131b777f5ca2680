// The torch engine: instances, memory, sequences, crashes, stalls, over fake runner processes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent_torch_world.h"

namespace skerry::agent {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

TEST_F(TorchTest, LoadsThenRunsThenServesTheNextFromTheSameProcess) {
  start(at(seconds(0)), 11, work("s"));
  ASSERT_THAT(runners.spawned, ElementsAre(1));
  const auto load = std::get<runner::Load>(runners.frames[1][0]);
  EXPECT_EQ(load.artifact_path, "/models/s");
  EXPECT_EQ(load.digest, "sha256:s");
  EXPECT_EQ(load.policy.allow, (std::vector<std::string>{"aten::save"}));
  EXPECT_THAT(runners.models, ElementsAre("/models/s"));
  EXPECT_EQ(load.threads, 3u);
  EXPECT_EQ(load.device, "cpu");
  EXPECT_THAT(runners.frames[1], SizeIs(1));
  EXPECT_THAT(engine.resident(), IsEmpty());
  loaded(at(seconds(2)), 1, 120);
  EXPECT_EQ(std::get<runner::Run>(runners.frames[1][1]).inputs, "in");
  EXPECT_THAT(engine.resident(), ElementsAre(VariantRef{"digits", "s", 1}));
  ran(at(seconds(3)), 1, 11, 900'000);
  const auto ended = engine.take_ended();
  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_EQ(ended[0].token, 11u);
  EXPECT_EQ(ended[0].load, seconds(2));
  EXPECT_EQ(ended[0].service, milliseconds(900));
  EXPECT_EQ(ended[0].memory_bytes, 120u << 20);
  start(at(seconds(4)), 12, work("s"));
  EXPECT_THAT(runners.spawned, SizeIs(1));
  ran(at(seconds(5)), 1, 12);
  EXPECT_EQ(engine.take_ended()[0].load, Duration(0));
}

TEST_F(TorchTest, AFileThatIsNotItsDigestsIsTheNodesFaultAndAModelThatIsRefusedItsOwn) {
  start(at(seconds(0)), 1, work("s"));
  engine.received(at(seconds(1)), 1,
                  runner::Failed{.code = ErrorCode::kCorrupt, .message = "another digest"});
  engine.exited(at(seconds(1)), 1, {.how = "by signal 9 (Killed)"});
  start(at(seconds(2)), 2, work("s"));
  engine.received(at(seconds(3)), 2,
                  runner::Failed{.code = ErrorCode::kModelFailed, .message = "refused"});
  engine.exited(at(seconds(3)), 2, {.how = "by signal 9 (Killed)"});
  const auto ended = engine.take_ended();
  ASSERT_THAT(ended, SizeIs(2));
  EXPECT_EQ(ended[0].outcome, Outcome::kInfrastructure);
  EXPECT_TRUE(ended[0].artifact_damaged);
  EXPECT_THAT(ended[0].error, HasSubstr("another digest"));
  EXPECT_EQ(ended[1].outcome, Outcome::kModelFailed);
  EXPECT_FALSE(ended[1].artifact_damaged);
}

TEST_F(TorchTest, ASecondProcessOfAVariantIsMadeOnceWaitingHasCostAsMuchAsLoading) {
  start(at(seconds(0)), 1, work("s"));
  loaded(at(seconds(3)), 1);
  const auto busy = [&](Instant now) {
    return engine.admit(now, work("s")).admission == Admission::kBusy;
  };
  EXPECT_TRUE(busy(at(seconds(10))));
  ran(at(seconds(12)), 1, 1);  // two seconds were waited
  start(at(seconds(12)), 2, work("s"));
  EXPECT_TRUE(busy(at(seconds(20))));
  EXPECT_EQ(engine.next_timer(), at(seconds(21)));
  engine.on_time(at(seconds(21)));
  EXPECT_GT(engine.next_timer(), at(seconds(21)));
  start(at(seconds(21)), 3, work("s"));
  EXPECT_THAT(runners.spawned, ElementsAre(1, 2));
  EXPECT_TRUE(busy(at(seconds(21))));  // and the next one has to be earned again
}

TEST_F(TorchTest, AnOutputThatIsNoneEndsItsProcess) {
  start(at(seconds(0)), 1, work("s"));
  loaded(at(seconds(1)), 1);
  engine.received(at(seconds(2)), 1, runner::Ran{.id = 1, .outputs = "garbage"});
  EXPECT_THAT(runners.killed, ElementsAre(1));
  engine.exited(at(seconds(2)), 1, {.how = "by signal 9"});
  const auto ended = engine.take_ended();
  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_EQ(ended[0].outcome, Outcome::kCrashed);
  EXPECT_THAT(ended[0].error, HasSubstr("what is no output"));
}

TEST_F(TorchTest, IdleInstancesMakeRoomLeastRecentlyUsedFirst) {
  const RunnerId small = idle(at(seconds(0)), 1, work("s"));
  const RunnerId large = idle(at(seconds(1)), 2, work("l"));
  start(at(seconds(2)), 3, work("s"));
  ran(at(seconds(3)), small, 3);
  start(at(seconds(4)), 4, work("s", "", true));  // another revision: a third instance
  EXPECT_THAT(runners.killed, ElementsAre(large));
}

TEST_F(TorchTest, WhatDoesNotFitBesideRunningOnesWaitsAndWhatNeverFitsIsRefused) {
  start(at(seconds(0)), 1, work("s"));
  start(at(seconds(0)), 2, work("m"));
  EXPECT_EQ(engine.admit(at(seconds(0)), work("l")).admission, Admission::kFull);
  TorchEngine tiny({.memory_bytes = 50u << 20, .overhead_bytes = 100u << 20}, runners, quiet_log());
  const Verdict verdict = tiny.admit(at(seconds(0)), work("s"));
  EXPECT_EQ(verdict.admission, Admission::kNever);
  EXPECT_THAT(verdict.reason, HasSubstr("100 MiB"));
}

TEST_F(TorchTest, ASequenceStaysOnOneProcessAndItsCallsFollowEachOther) {
  const RunnerId mine = idle(at(seconds(0)), 1, work("s", "a", true));
  const RunnerId other = idle(at(seconds(0)), 2, work("s", "b", true));
  EXPECT_NE(mine, other);
  start(at(seconds(1)), 3, work("s", "a", true));
  EXPECT_EQ(state_name(mine, 1), state_name(mine, 2));
  EXPECT_NE(state_name(mine, 1), state_name(other, 1));
  EXPECT_EQ(engine.admit(at(seconds(1)), work("s", "a", true)).admission, Admission::kBusy);
  EXPECT_EQ(engine.admit(at(seconds(1)), work("s", "c", true)).admission,
            Admission::kBusy);  // two at most
}

TEST_F(TorchTest, AnIdleSequenceIsDroppedAfterAMinuteAndItsProcessIsAnybodys) {
  const RunnerId mine = idle(at(seconds(0)), 1, work("s", "a", true));
  EXPECT_EQ(engine.next_timer(), at(seconds(60)));
  engine.on_time(at(seconds(60)));
  EXPECT_EQ(engine.next_timer(), kNever);
  start(at(seconds(61)), 2, work("s", "z", true));
  EXPECT_THAT(state_name(mine, 2), StartsWith("z"));
}

TEST_F(TorchTest, ASequenceThatBeginsGetsAFreshStateFromAProcessThatRemembersItsName) {
  Work begins = work("s", "a", true);
  begins.sequence_step = SequenceStep::kBegins;
  const RunnerId mine = idle(at(seconds(0)), 1, begins);
  start(at(seconds(1)), 2, begins);
  ran(at(seconds(1)), mine, 2);
  EXPECT_NE(state_name(mine, 1), state_name(mine, 2));
  engine.on_time(at(seconds(61)));  // over, and anybody's
  start(at(seconds(62)), 3, begins);
  EXPECT_NE(state_name(mine, 2), state_name(mine, 3));
  EXPECT_THAT(runners.spawned, SizeIs(1));
}

TEST_F(TorchTest, WhatContinuesASequenceRunsOnItsOwnProcessOrNotAtAll) {
  Work continues = work("s", "a", true);
  continues.sequence_step = SequenceStep::kContinues;
  const auto admission = [&](Instant now) { return engine.admit(now, continues).admission; };
  EXPECT_EQ(admission(at(seconds(0))), Admission::kLost) << "never begun here";
  const RunnerId mine = idle(at(seconds(0)), 1, work("s", "a", true));
  EXPECT_EQ(admission(at(seconds(1))), Admission::kNow);

  start(at(seconds(1)), 2, continues);
  EXPECT_EQ(admission(at(seconds(1))), Admission::kBusy);
  engine.abort(at(seconds(2)), 2);
  EXPECT_EQ(admission(at(seconds(2))), Admission::kLost) << "ended with the run";
  engine.exited(at(seconds(2)), mine, {.how = "by signal 9"});
  EXPECT_EQ(admission(at(seconds(2))), Admission::kLost);

  const RunnerId second = idle(at(seconds(3)), 3, work("s", "a", true));
  engine.exited(at(seconds(4)), second, {.how = "by signal 11"});
  EXPECT_EQ(admission(at(seconds(5))), Admission::kLost) << "died while it idled";

  idle(at(seconds(6)), 4, work("s", "a", true));
  continues.manifest = Manifests().resolve("digits", 3, manifest_json("torch", true)).value();
  continues.variant.revision = 3;
  EXPECT_EQ(admission(at(seconds(7))), Admission::kLost) << "the model was applied anew";
}

TEST_F(TorchTest, ARunnersMemoryIsLimitedByWhatItsVariantDeclares) {
  constexpr std::uint64_t kMib = 1u << 20;
  KnownManifest known = *work("s").manifest;
  known.manifest.variants[1].memory_bytes = 30 * kMib;
  const auto limit_of = [&](TorchOptions with, const std::string& variant) {
    FakeRunners started;
    TorchEngine other(std::move(with), started, quiet_log());
    Work wanted = work(variant);
    wanted.manifest = std::make_shared<const KnownManifest>(known);
    other.start(at(seconds(0)), 1, wanted);
    return started.limits.at(0) / kMib;
  };
  EXPECT_EQ(limit_of({.memory_bytes = 250 * kMib}, "m"), 1024 + 4 * 30u);
  EXPECT_EQ(limit_of({.memory_bytes = 250 * kMib}, "s"), 1024 + 250u) << "it declares none";
  EXPECT_EQ(limit_of({.runner_limit_bytes = 77 * kMib}, "m"), 77u);
  EXPECT_EQ(limit_of({.derives_limits = false}, "m"), 0u);
}

TEST_F(TorchTest, AnAttemptThatCannotContinueItsSequenceEndsUnstartedAndSaysWhy) {
  FakeBlobs blobs;
  MemoryJournal journal;
  FakeMeter meter;
  Executor executor({}, {&engine}, blobs, journal, meter, quiet_log());
  Assign next = assignment(1, "s", "torch");
  next.manifest_json = manifest_json("torch", true);
  next.sequence = "default/q";
  next.sequence_step = SequenceStep::kContinues;
  executor.assign(at(seconds(0)), next);
  executor.fetched(at(seconds(0)), {.ticket = blobs.fetches.at(0).first, .path = "/m"});
  executor.settle(at(seconds(0)));
  const auto spooled = journal.next_spooled(0);
  ASSERT_TRUE(spooled);
  EXPECT_EQ(spooled->result->outcome, Outcome::kSequenceLost);
  EXPECT_THAT(spooled->result->error, HasSubstr("its process ended"));
  EXPECT_THAT(runners.spawned, IsEmpty());
}

TEST_F(TorchTest, AModelWithoutStateHasNoneToLose) {
  Work continues = work("s", "a");
  continues.sequence_step = SequenceStep::kContinues;
  EXPECT_EQ(engine.admit(at(seconds(0)), continues).admission, Admission::kNow);
}

TEST_F(TorchTest, ACrashTakesItsRunAloneAndSaysHow) {
  start(at(seconds(0)), 1, work("s"));
  start(at(seconds(0)), 2, work("m"));
  loaded(at(seconds(1)), 1);
  loaded(at(seconds(1)), 2);
  engine.exited(at(seconds(2)), 1, {.how = "by signal 11 (Segmentation fault)"});
  const auto ended = engine.take_ended();
  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_EQ(ended[0].token, 1u);
  EXPECT_EQ(ended[0].outcome, Outcome::kCrashed);
  EXPECT_THAT(ended[0].error,
              HasSubstr("digits/s ended by signal 11 (Segmentation fault) while it was running"));
  EXPECT_THAT(engine.resident(), SizeIs(1));
}

TEST_F(TorchTest, ARunnerThatCannotBeStartedIsNoFaultOfTheModel) {
  start(at(seconds(0)), 1, work("s"));
  engine.exited(at(seconds(0)), 1, {.how = "no such file", .never_started = true});
  EXPECT_EQ(engine.take_ended()[0].outcome, Outcome::kInfrastructure);
}

TEST_F(TorchTest, AbortKillsTheProcessAndEndsWhenItsExitIsSeen) {
  start(at(seconds(0)), 1, work("s"));
  loaded(at(seconds(1)), 1);
  engine.abort(at(seconds(2)), 1);
  EXPECT_THAT(runners.killed, ElementsAre(1));
  EXPECT_THAT(engine.take_ended(), IsEmpty());
  ran(at(seconds(2)), 1, 1);  // too late
  engine.exited(at(seconds(2)), 1, {.how = "by signal 9 (Killed)"});
  const auto ended = engine.take_ended();
  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_EQ(ended[0].outcome, Outcome::kCancelled);
}

TEST_F(TorchTest, AStalledRunIsEndedAfterThirtySecondsOrTwentyTimesTheUsual) {
  const RunnerId id = idle(at(seconds(0)), 1, work("s"));
  start(at(seconds(0)), 2, work("s"));
  EXPECT_EQ(engine.next_timer(), at(seconds(30)));
  ran(at(seconds(3)), id, 2, 40'000'000);  // the usual is now 4 s and a bit
  engine.take_ended();
  start(at(seconds(100)), 3, work("s"));
  EXPECT_GT(engine.next_timer(), at(seconds(179)));
  engine.on_time(engine.next_timer());
  EXPECT_THAT(runners.killed, ElementsAre(id));
  engine.exited(at(seconds(200)), id, {.how = "by signal 9 (Killed)"});
  const auto ended = engine.take_ended();
  EXPECT_EQ(ended[0].outcome, Outcome::kCrashed);
  EXPECT_THAT(ended[0].error, HasSubstr("gave no answer"));
}

TEST_F(TorchTest, AFailedRunKeepsItsProcessAndAFailedLoadDoesNot) {
  start(at(seconds(0)), 1, work("s"));
  loaded(at(seconds(0)), 1);
  engine.received(at(seconds(1)), 1,
                  runner::Failed{.id = 1, .code = ErrorCode::kInvalidArgument, .message = "shape"});
  auto ended = engine.take_ended();
  EXPECT_EQ(ended[0].outcome, Outcome::kModelFailed);
  EXPECT_EQ(ended[0].error, "shape");
  EXPECT_THAT(runners.killed, IsEmpty());
  start(at(seconds(2)), 2, work("l"));
  engine.received(at(seconds(3)), 2,
                  runner::Failed{.code = ErrorCode::kModelFailed, .message = "no TorchScript"});
  EXPECT_THAT(runners.killed, ElementsAre(2));
  engine.exited(at(seconds(3)), 2, {.how = "by signal 9 (Killed)"});
  ended = engine.take_ended();
  EXPECT_EQ(ended[0].outcome, Outcome::kModelFailed);
  EXPECT_THAT(ended[0].error, HasSubstr("digits/l does not load: no TorchScript"));
}

TEST_F(TorchTest, AnAnswerThatWasNotAskedForEndsTheProcess) {
  const RunnerId id = idle(at(seconds(0)), 1, work("s"));
  ran(at(seconds(1)), id, 1);
  EXPECT_THAT(runners.killed, ElementsAre(id));
  engine.exited(at(seconds(1)), id, {.how = "by signal 9 (Killed)"});
  EXPECT_THAT(engine.take_ended(), IsEmpty());
}

}  // namespace
}  // namespace skerry::agent
