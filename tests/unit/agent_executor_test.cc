// The executor: slots, order, capacity, cancellation, deadlines, draining, large data, usage.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/engines/noop.h"
#include "tests/unit/agent_executor_world.h"

namespace skerry::agent {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(ExecutorTest, FillsItsSlotsInteractiveFirstThenInOrderOfArrival) {
  fill(4);
  Assign urgent = assignment(5);
  urgent.interactive = true;
  assign(at(seconds(0)), urgent);
  EXPECT_THAT(started(), ElementsAre(1, 2));
  engine.succeed(1);
  engine.succeed(2);
  settle(at(seconds(1)));
  EXPECT_THAT(started(), ElementsAre(1, 2, 5, 3));
  EXPECT_EQ(*result_of(1).output.bytes, "out");
  EXPECT_EQ(executor.running(), 2u);
  EXPECT_EQ(executor.queued(), 1u);
}

TEST_F(ExecutorTest, WhatIsOverCapacityIsReturned) {
  fill(6);
  EXPECT_EQ(executor.capacity(), 5u);
  EXPECT_THAT(returned(), ElementsAre(6));
  EXPECT_FALSE(journal.holds(ref(6).uid));
  EXPECT_TRUE(journal.holds(ref(5).uid));
}

TEST_F(ExecutorTest, AFullSpoolKeepsWhatIsThereAndGivesNewWorkBack) {
  ExecutorOptions small = options();
  small.spool_limit = 2;
  Executor bounded(small, {&engine}, blobs, journal, meter, quiet_log());
  const auto run = [&](std::uint64_t n) {
    bounded.assign(at(seconds(0)), assignment(n));
    bounded.settle(at(seconds(0)));
    engine.succeed(n);
    bounded.settle(at(seconds(1)));
  };
  run(1);
  EXPECT_FALSE(bounded.spool_full());
  run(2);
  EXPECT_TRUE(bounded.spool_full());
  bounded.assign(at(seconds(2)), assignment(3));
  sent = bounded.take_messages();
  EXPECT_THAT(returned(), ElementsAre(3));
  EXPECT_THAT(results(), SizeIs(2));
  journal.forget(ref(1).uid);  // delivered
  EXPECT_FALSE(bounded.spool_full());
}

TEST_F(ExecutorTest, UnknownEnginesVariantsAndManifestsAreReturned) {
  Executor without_torch(options(), {&engine}, blobs, journal, meter, quiet_log());
  without_torch.assign(at(seconds(0)), assignment(1, "s", "torch"));
  sent = without_torch.take_messages();
  Assign missing = assignment(2, "xxl");
  Assign unsent = assignment(3);
  Assign broken = assignment(4);
  unsent.manifest_revision = 9;
  unsent.manifest_json.clear();
  broken.manifest_revision = 10;
  broken.manifest_json = "{";
  for (const Assign& wrong : {missing, unsent, broken}) {
    assign(at(seconds(0)), wrong);
  }
  EXPECT_THAT(returned(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(journal.accepted_refs(), IsEmpty());
}

TEST_F(ExecutorTest, AManifestIsSentOnceAndReferredToAfterwards) {
  assign(at(seconds(0)), assignment(1));
  Assign second = assignment(2);
  second.manifest_json.clear();
  assign(at(seconds(0)), second);
  EXPECT_THAT(started(), ElementsAre(1, 2));
}

TEST_F(ExecutorTest, ADuplicateIsIgnoredWhateverBecameOfTheFirst) {
  fill(3);
  assign(at(seconds(0)), assignment(3));  // waits
  EXPECT_THAT(engine.started, SizeIs(2));
  assign(at(seconds(0)), assignment(1));  // runs
  engine.succeed(1);
  settle(at(seconds(1)));
  assign(at(seconds(1)), assignment(1));  // is spooled
  journal.forget(ref(1).uid);
  assign(at(seconds(2)), assignment(1));  // is settled
  EXPECT_THAT(engine.started, SizeIs(2 + 1));
  EXPECT_EQ(engine.started[2].first, 3u);
  EXPECT_THAT(returned(), IsEmpty());
}

TEST_F(ExecutorTest, CancellingAQueuedAttemptEndsItAtOnce) {
  fill(3);
  executor.cancel(at(seconds(1)), {.attempt = ref(3), .epoch = Epoch{1}, .reason = "hedge lost"});
  EXPECT_EQ(result_of(3).outcome, Outcome::kCancelled);
  EXPECT_THAT(result_of(3).error, HasSubstr("hedge lost"));
  EXPECT_THAT(engine.aborted, IsEmpty());
}

TEST_F(ExecutorTest, CancellingARunningAttemptGivesItAGraceAndThenAborts) {
  fill(2);
  executor.cancel(at(seconds(1)), {.attempt = ref(1), .epoch = Epoch{1}});
  tick(at(seconds(1)));
  EXPECT_THAT(engine.aborted, IsEmpty());
  EXPECT_EQ(executor.next_timer(), at(milliseconds(1200)));
  tick(at(milliseconds(1200)));
  EXPECT_THAT(engine.aborted, ElementsAre(1));
  engine.fail(1, Outcome::kCancelled, "aborted");
  settle(at(milliseconds(1210)));
  EXPECT_EQ(result_of(1).outcome, Outcome::kCancelled);
  EXPECT_EQ(executor.running(), 1u);
}

TEST_F(ExecutorTest, ARunIsNotAbortedSoonerThanANewRunnerWouldBeLoadedUnlessThatTakesLong) {
  std::uint64_t job = 1;
  for (const auto& [load, grace] :
       {std::pair{milliseconds(700), milliseconds(700)}, {milliseconds(9000), milliseconds(800)}}) {
    const Instant begun = at(seconds(10) * static_cast<std::int64_t>(job));
    assign(begun, assignment(job));
    engine.ended.push_back({.token = job,
                            .output = std::make_shared<const std::string>("out"),
                            .load = load,
                            .service = milliseconds(10)});
    settle(begun);
    assign(begun, assignment(job + 1));
    executor.cancel(begun, {.attempt = ref(job + 1), .epoch = Epoch{1}});
    tick(begun + grace - milliseconds(1));
    EXPECT_THAT(engine.aborted, IsEmpty());
    tick(begun + grace);
    EXPECT_THAT(engine.aborted, ElementsAre(job + 1));
    engine.fail(job + 1, Outcome::kCancelled, "aborted");
    settle(begun + grace);
    engine.aborted.clear();
    job += 2;
  }
}

TEST_F(ExecutorTest, ARunThatEndsWithinTheGraceOfItsCancelKeepsItsResult) {
  fill(1);
  executor.cancel(at(seconds(1)), {.attempt = ref(1), .epoch = Epoch{1}});
  engine.succeed(1);
  settle(at(milliseconds(1100)));
  EXPECT_EQ(result_of(1).outcome, Outcome::kSucceeded);
  tick(at(seconds(2)));
  EXPECT_THAT(engine.aborted, IsEmpty());
}

TEST_F(ExecutorTest, RemainingTimeIsEnforcedWaitingAndRunning) {
  fill(1);
  Assign brief = assignment(2);
  brief.remaining = seconds(1);
  assign(at(seconds(0)), brief);
  Assign waiting = assignment(3);
  waiting.remaining = milliseconds(500);
  assign(at(seconds(0)), waiting);
  EXPECT_EQ(executor.next_timer(), at(milliseconds(500)));
  tick(at(milliseconds(500)));
  EXPECT_EQ(result_of(3).outcome, Outcome::kExpired);
  tick(at(seconds(1)));
  tick(at(milliseconds(1200)));
  EXPECT_THAT(engine.aborted, ElementsAre(2));
  engine.fail(2, Outcome::kCancelled, "aborted");
  settle(at(milliseconds(1210)));
  EXPECT_EQ(result_of(2).outcome, Outcome::kExpired);
}

TEST_F(ExecutorTest, ACrashIsTheResultOfItsAttemptAndTheNextOneStarts) {
  fill(3);
  engine.fail(1, Outcome::kCrashed, "the runner of digits/s ended by signal 11");
  settle(at(seconds(1)));
  EXPECT_EQ(result_of(1).outcome, Outcome::kCrashed);
  EXPECT_THAT(result_of(1).error, HasSubstr("signal 11"));
  EXPECT_THAT(started(), ElementsAre(1, 2, 3));
}

TEST_F(ExecutorTest, DrainingReturnsWhatWaitsAndFinishesWhatRuns) {
  fill(4);
  executor.set_draining(at(seconds(1)), true);
  settle(at(seconds(1)));
  EXPECT_THAT(returned(), ElementsAre(3, 4));
  EXPECT_EQ(only<Credits>(sent).back().capacity, 0u);
  assign(at(seconds(1)), assignment(5));
  EXPECT_THAT(returned(), ElementsAre(3, 4, 5));
  engine.succeed(1);
  engine.succeed(2);
  settle(at(seconds(2)));
  EXPECT_TRUE(executor.idle());
  EXPECT_THAT(results(), SizeIs(2));
  executor.set_draining(at(seconds(3)), false);
  settle(at(seconds(3)));
  EXPECT_EQ(only<Credits>(sent).back().capacity, 5u);
}

TEST_F(ExecutorTest, AtAStopsLimitWhatRunsIsAbortedAndGivenBack) {
  fill(1);
  executor.abort_running(at(seconds(1)), "the node is stopping");
  EXPECT_THAT(engine.aborted, ElementsAre(1));
  engine.fail(1, Outcome::kCancelled, "aborted");
  settle(at(seconds(1)));
  EXPECT_THAT(returned(), ElementsAre(1)) << "it costs the task no retry";
  EXPECT_THAT(results(), SizeIs(0));
  EXPECT_TRUE(executor.idle());
}

TEST_F(ExecutorTest, MaterialsAreFetchedBeforeTheSlotIsTaken) {
  Assign large = assignment(1, "s", "torch");
  large.manifest_revision = 2;
  large.input = Payload::stored("sha256:" + std::string(64, 'b'), 1000);
  assign(at(seconds(0)), large);
  assign(at(seconds(0)), assignment(2));
  EXPECT_THAT(started(), ElementsAre(2));
  ASSERT_THAT(blobs.fetches, SizeIs(2));
  const auto bytes = std::make_shared<const std::string>("pixels");
  executor.fetched(at(seconds(1)),
                   {.ticket = blobs.fetches[0].first, .bytes = bytes, .took = seconds(1)});
  executor.fetched(at(seconds(3)), {.ticket = blobs.fetches[1].first,
                                    .path = "/m",
                                    .took = seconds(3),
                                    .transferred_bytes = 50});
  settle(at(seconds(3)));
  ASSERT_THAT(heavy.started, SizeIs(1));
  EXPECT_EQ(heavy.started[0].second.artifact_path, "/m");
  EXPECT_EQ(heavy.started[0].second.input, bytes);
  heavy.ended.push_back({.token = 1, .output = bytes, .load = seconds(4), .service = seconds(2)});
  settle(at(seconds(9)));
  const Usage usage = result_of(1).usage;
  EXPECT_EQ(usage.fetch, seconds(1));
  EXPECT_EQ(usage.load, seconds(4 + 2));  // the artifact came 2 s after the input
  EXPECT_EQ(usage.queue, Duration(0));
  EXPECT_EQ(blobs.held_in_all(), 0);
}

TEST_F(ExecutorTest, AMissingArtifactIsAnInfrastructureFailure) {
  Assign heavy_one = assignment(1, "s", "torch");
  assign(at(seconds(0)), heavy_one);
  executor.fetched(at(seconds(1)), {.ticket = blobs.fetches[0].first,
                                    .status = fail(ErrorCode::kNotFound, "no such blob")});
  EXPECT_EQ(result_of(1).outcome, Outcome::kInfrastructure);
  EXPECT_THAT(result_of(1).error, HasSubstr("no such blob"));
  EXPECT_EQ(blobs.held_in_all(), 0);
}

TEST_F(ExecutorTest, LargeResultsAreStoredFirstAndFreeTheirSlotMeanwhile) {
  fill(3);
  engine.succeed(1, std::string(kInlineLimitBytes + 1, 'y'));
  settle(at(seconds(1)));
  EXPECT_THAT(results(), IsEmpty());
  EXPECT_THAT(started(), ElementsAre(1, 2, 3));
  ASSERT_THAT(blobs.stores, SizeIs(1));
  executor.stored(at(seconds(2)), {.ticket = blobs.stores[0].first, .digest = "sha256:abc"});
  EXPECT_EQ(result_of(1).output.blob, "sha256:abc");
  EXPECT_EQ(result_of(1).output.size_bytes, kInlineLimitBytes + 1);
}

TEST_F(ExecutorTest, WhatWaitsForItsSequenceLetsOthersPassAndWhatWaitsForRoomOnlyForAWhile) {
  engine.verdicts["s"] = {Admission::kBusy, "busy"};
  engine.verdicts["l"] = {Admission::kFull, "full"};
  assign(at(seconds(0)), assignment(1, "s"));
  assign(at(seconds(0)), assignment(2, "l"));
  assign(at(seconds(1)), assignment(3, "m"));
  EXPECT_THAT(started(), ElementsAre(3));
  assign(at(seconds(3)), assignment(4, "m"));
  EXPECT_THAT(started(), ElementsAre(3));
  engine.verdicts["l"] = {};
  settle(at(seconds(4)));
  EXPECT_THAT(started(), ElementsAre(3, 2));
  engine.succeed(2);
  settle(at(seconds(5)));
  EXPECT_THAT(started(), ElementsAre(3, 2, 4));
}

TEST_F(ExecutorTest, TheNoopEngineAnswersWithItsInputInTheSameBreath) {
  NoopEngine noop;
  Executor measuring(options(), {&noop}, blobs, journal, meter, quiet_log());
  for (std::uint64_t n = 1; n <= 5; ++n) {
    measuring.assign(at(seconds(0)), assignment(n));
  }
  measuring.settle(at(seconds(0)));
  EXPECT_TRUE(measuring.idle());
  ASSERT_THAT(results(), SizeIs(5));
  EXPECT_EQ(*result_of(5).output.bytes, "in");
}

TEST_F(ExecutorTest, WhatThisNodeCanNeverRunIsReturned) {
  engine.verdicts["l"] = {Admission::kNever, "needs 9 GiB"};
  assign(at(seconds(0)), assignment(1, "l"));
  EXPECT_THAT(only<Returned>(sent)[0].reason, HasSubstr("9 GiB"));
  EXPECT_FALSE(journal.holds(ref(1).uid));
}

TEST_F(ExecutorTest, UsageFollowsTheModelWhereNothingIsMeasured) {
  fill(1);
  engine.ended.push_back({.token = 1,
                          .output = std::make_shared<const std::string>("o"),
                          .load = seconds(1),
                          .service = seconds(2)});
  settle(at(seconds(3)));
  const Usage usage = result_of(1).usage;
  EXPECT_EQ(usage.energy_source, "modelled");
  EXPECT_DOUBLE_EQ(usage.energy_j, 5.0 * 3 + 2);  // 10 W / 2 slots x 3 s + 2 bytes x 1 J
  EXPECT_DOUBLE_EQ(usage.cost_usd, 3.0);          // 2 USD/s / 2 slots x 3 s
}

TEST_F(ExecutorTest, MeasuredEnergyIsSharedAmongThoseWhoRan) {
  meter.joules = 100;
  fill(1);  // alone for 1 s: 14 J, of which 4 idling
  meter.joules = 114;
  assign(at(seconds(1)), assignment(2));  // together for 1 s: 24 J
  meter.joules = 138;
  engine.succeed(1);
  engine.succeed(2);
  settle(at(seconds(2)));
  EXPECT_EQ(result_of(1).usage.energy_source, "rapl");
  EXPECT_NEAR(result_of(1).usage.energy_j, (2 + 10) + (2 + 10) + 2, 1e-9);
  EXPECT_NEAR(result_of(2).usage.energy_j, (2 + 10) + 2, 1e-9);
}

TEST_F(ExecutorTest, ARestartTakesUpWhatTheJournalHolds) {
  const ManifestPtr manifest = Manifests().resolve("digits", 1, manifest_json("noop")).value();
  Assign held = assignment(8);
  held.remaining = seconds(5);
  journal.accept({.assign = held, .manifest = manifest, .received = at(seconds(0))});
  executor.restore(at(seconds(2)));
  settle(at(seconds(2)));
  EXPECT_THAT(started(), ElementsAre(8));
  EXPECT_EQ(executor.next_timer(), at(seconds(5)));
}

// A journal would file it under the other's name and not find it again.
TEST(Manifests, TheManifestOfAnotherModelIsRefused) {
  const auto other = Manifests().resolve("faces", 1, manifest_json("noop"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kInvalidArgument);
}

// Held on, it would be said to run in every hello, and nobody would run it.
TEST_F(ExecutorTest, ARestartLetsGoOfWorkWhoseEngineIsGone) {
  Executor without_torch(options(), {&engine}, blobs, journal, meter, quiet_log());
  const ManifestPtr manifest = Manifests().resolve("digits", 1, manifest_json("torch")).value();
  journal.accept({.assign = assignment(8), .manifest = manifest, .received = at(seconds(0))});
  without_torch.restore(at(seconds(2)));
  without_torch.settle(at(seconds(2)));
  EXPECT_THAT(only<Started>(without_torch.take_messages()), IsEmpty());
  EXPECT_THAT(journal.accepted_refs(), IsEmpty());
}

// Its controller may have moved on to later tasks of the sequence, whose state is gone.
TEST_F(ExecutorTest, ARestartRunsNoTaskOfASequenceAgain) {
  KnownManifest known = *Manifests().resolve("digits", 1, manifest_json("noop")).value();
  Assign held = assignment(8);
  held.sequence = "a/q";
  held.sequence_step = SequenceStep::kBegins;
  for (const bool stateful : {true, false}) {
    known.manifest.stateful = stateful;
    journal.accept({.assign = held,
                    .manifest = std::make_shared<const KnownManifest>(known),
                    .received = at(seconds(0))});
    executor.restore(at(seconds(2)));
    settle(at(seconds(2)));
    EXPECT_EQ(started().size(), stateful ? 0u : 1u);
    EXPECT_EQ(journal.accepted_refs().size(), stateful ? 0u : 1u);
  }
}

}  // namespace
}  // namespace skerry::agent
