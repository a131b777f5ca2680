// The agent's journal: records as bytes, what a restart finds, and disks that are full or fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "agent/journal_record.h"
#include "agent/log_journal.h"
#include "tests/unit/agent_fakes.h"

namespace skerry::agent {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct FakeDisk final : JournalDisk {
  std::string file;
  DiskAnswer answer = DiskAnswer::kDone;
  DiskAnswer replaces = DiskAnswer::kDone;
  int syncs = 0;
  int replacements = 0;

  DiskAnswer append(std::string_view bytes) override {
    file += answer == DiskAnswer::kDone ? bytes : "";
    return answer;
  }
  void sync() override { ++syncs; }
  DiskAnswer replace(std::string_view bytes) override {
    if (answer == DiskAnswer::kDone && replaces == DiskAnswer::kDone) {
      file = bytes;
      ++replacements;
    }
    return std::max(answer, replaces);
  }
};

AcceptedAttempt attempt(std::uint64_t n) {
  static const ManifestPtr manifest = noop_manifest(3);
  return {.assign = {.attempt = ref(n),
                     .model = "m",
                     .variant = "only",
                     .manifest_revision = 3,
                     .input = Payload::inlined("input"),
                     .remaining = seconds(9),
                     .sequence = "s",
                     .sequence_step = SequenceStep::kContinues,
                     .epoch = Epoch{5},
                     .interactive = true,
                     .ns = "vision"},
          .manifest = manifest,
          .received = at(seconds(n))};
}
Ended result(std::uint64_t n, std::string output = "output") {
  return {.attempt = ref(n),
          .outcome = Outcome::kSucceeded,
          .error = {},
          .output = Payload::inlined(std::move(output)),
          .usage = {.service = milliseconds(7), .energy_j = 2, .energy_source = "rapl"}};
}

struct JournalTest : ::testing::Test {
  FakeDisk disk;
  LogJournal journal{{.least_rewrite_bytes = 4096}, disk};

  void settle(Duration since = Duration(0)) { journal.settle(at(since)); }
};

// What a journal that is made of these bytes holds.
struct Read {
  FakeDisk disk;
  LogJournal journal{{}, disk};
  LogJournal::Restored restored;

  explicit Read(std::string_view bytes) { restored = journal.restore(bytes); }
};

TEST_F(JournalTest, ARestartFindsWhatWasAcceptedAndWhatIsToBeDelivered) {
  journal.accept(attempt(1));
  journal.accept(attempt(2));
  journal.accept(attempt(3));
  settle();
  journal.finish(result(1));
  journal.forget(ref(3).uid);
  settle();
  const Read read(disk.file);
  EXPECT_EQ(read.restored.dropped_bytes, 0u);
  EXPECT_THAT(read.journal.accepted_refs(), ElementsAre(ref(2)));
  EXPECT_THAT(read.journal.spooled_refs(), ElementsAre(ref(1)));
  const AcceptedAttempt found = read.journal.accepted().at(0);
  EXPECT_EQ(found.assign.sequence, "s");
  EXPECT_EQ(found.assign.ns, "vision");
  EXPECT_EQ(found.assign.sequence_step, SequenceStep::kContinues);
  EXPECT_EQ(found.assign.remaining, seconds(9));
  EXPECT_EQ(*found.assign.input.bytes, "input");
  EXPECT_EQ(found.received, at(seconds(2)));
  EXPECT_EQ(found.manifest->manifest.engine, "noop");
  const auto spooled = read.journal.next_spooled(0);
  ASSERT_TRUE(spooled.has_value());
  EXPECT_EQ(*spooled->result->output.bytes, "output");
  EXPECT_EQ(spooled->result->usage, result(1).usage);
  EXPECT_LE(spooled->position, read.journal.durable());  // so it is delivered
}

TEST_F(JournalTest, NothingCountsAsWrittenBeforeItIs) {
  journal.accept(attempt(1));
  settle();
  journal.finish(result(1));
  const auto position = journal.next_spooled(0)->position;
  EXPECT_GT(position, journal.durable());
  settle();
  EXPECT_LE(position, journal.durable());
}

// A crash may leave any beginning of the file: what it says is the state at some moment before.
TEST_F(JournalTest, AnyBeginningOfTheFileIsAnEarlierState) {
  std::vector<std::pair<std::vector<AttemptRef>, std::vector<AttemptRef>>> states = {{}};
  const auto changed = [&] {
    settle();
    states.emplace_back(journal.accepted_refs(), journal.spooled_refs());
  };
  for (std::uint64_t n = 1; n <= 4; ++n) {
    journal.accept(attempt(n));
    changed();
  }
  for (std::uint64_t n = 1; n <= 3; ++n) {
    journal.finish(result(n));
    changed();
  }
  journal.forget(ref(2).uid);
  changed();
  journal.forget(ref(4).uid);
  changed();
  for (std::size_t length = 0; length <= disk.file.size(); ++length) {
    const Read read(std::string_view(disk.file).substr(0, length));
    const std::pair found(read.journal.accepted_refs(), read.journal.spooled_refs());
    EXPECT_THAT(states, ::testing::Contains(found)) << length;
  }
}

TEST_F(JournalTest, NoFlippedBitGoesUnnoticed) {
  journal.accept(attempt(1));
  settle();
  journal.finish(result(1));
  settle();
  for (std::size_t bit = 0; bit < disk.file.size() * 8; ++bit) {
    std::string flipped = disk.file;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_GT(Read(flipped).restored.dropped_bytes, 0u) << bit;
  }
}

TEST_F(JournalTest, AFileThatGrewIsReplacedByWhatIsLeft) {
  journal.accept(attempt(1));
  settle();
  for (std::uint64_t n = 2; n < 200; ++n) {
    journal.accept(attempt(n));
    journal.finish(result(n));
    settle();
    journal.forget(ref(n).uid);
    settle();
    ASSERT_LT(disk.file.size(), 8192u) << n;
  }
  EXPECT_GT(disk.replacements, 2);
  EXPECT_THAT(Read(disk.file).journal.accepted_refs(), ElementsAre(ref(1)));
}

TEST_F(JournalTest, OnlyAResultThatStaysIsSynced) {
  journal.accept(attempt(1));
  settle();
  journal.accept(attempt(2));
  journal.finish(result(1));
  settle(milliseconds(0));
  EXPECT_EQ(journal.next_timer(), at(milliseconds(20)));
  journal.forget(ref(1).uid);  // acknowledged in time
  settle(milliseconds(5));
  EXPECT_EQ(journal.next_timer(), kNever);
  journal.finish(result(2));
  settle(milliseconds(10));
  journal.on_time(at(milliseconds(30)));
  EXPECT_EQ(disk.syncs, 1);
  journal.synced(true, at(milliseconds(31)));
  EXPECT_EQ(journal.next_timer(), kNever);
  EXPECT_FALSE(journal.failed());
}

TEST_F(JournalTest, WhatEndsWhileASyncRunsIsSyncedAfterIt) {
  journal.accept(attempt(1));
  settle();
  journal.accept(attempt(2));
  journal.finish(result(1));
  settle(milliseconds(0));
  journal.on_time(at(milliseconds(20)));
  journal.finish(result(2));
  settle(milliseconds(21));
  EXPECT_EQ(journal.next_timer(), kNever);
  journal.synced(true, at(milliseconds(22)));
  EXPECT_EQ(journal.next_timer(), at(milliseconds(42)));
}

TEST_F(JournalTest, AFullDiskKeepsNothingFromBeingDeliveredAndIsTriedAgain) {
  journal.accept(attempt(1));
  settle();
  disk.answer = DiskAnswer::kFull;
  journal.finish(result(1));
  settle(seconds(1));
  EXPECT_TRUE(journal.full());
  EXPECT_FALSE(journal.failed());
  EXPECT_LE(journal.next_spooled(0)->position, journal.durable());
  EXPECT_EQ(journal.next_timer(), at(seconds(2)));
  journal.on_time(at(seconds(2)));
  EXPECT_TRUE(journal.full());
  disk.answer = DiskAnswer::kDone;
  journal.on_time(at(seconds(3)));
  EXPECT_FALSE(journal.full());
  EXPECT_THAT(Read(disk.file).journal.spooled_refs(), ElementsAre(ref(1)));
}

// A smaller file may need more room than there is; the one that is there still takes what changes.
TEST_F(JournalTest, NoRoomForASmallerFileIsNotAFullDisk) {
  journal.accept(attempt(1));
  settle();
  disk.replaces = DiskAnswer::kFull;
  for (std::uint64_t n = 2; n < 100; ++n) {
    journal.accept(attempt(n));
    journal.finish(result(n));
    settle();
    journal.forget(ref(n).uid);
    settle();
    ASSERT_FALSE(journal.full()) << n;
  }
  EXPECT_THAT(Read(disk.file).journal.accepted_refs(), ElementsAre(ref(1)));
  const std::size_t grown = disk.file.size();
  disk.replaces = DiskAnswer::kDone;
  for (std::uint64_t n = 100; n < 400; ++n) {
    journal.accept(attempt(n));
    journal.forget(ref(n).uid);
    settle();
  }
  EXPECT_LT(disk.file.size(), 4 * grown);
  EXPECT_THAT(Read(disk.file).journal.accepted_refs(), ElementsAre(ref(1)));
}

TEST_F(JournalTest, WhatARestartFindsIsSynced) {
  journal.accept(attempt(1));
  journal.finish(result(1));
  settle();
  Read read(disk.file);
  read.journal.settle(at(seconds(1)));
  EXPECT_EQ(read.journal.next_timer(), at(seconds(1) + milliseconds(20)));
}

TEST_F(JournalTest, ADiskThatFailsIsNotTrustedAnyMore) {
  journal.accept(attempt(1));
  settle();
  disk.answer = DiskAnswer::kFailed;
  journal.finish(result(1));
  settle();
  EXPECT_TRUE(journal.failed());
  EXPECT_GT(journal.next_spooled(0)->position, journal.durable());  // nothing of it leaves
}

TEST_F(JournalTest, AFailedSyncIsAFailedDisk) {
  journal.synced(false, at(seconds(0)));
  EXPECT_TRUE(journal.failed());
}

TEST_F(JournalTest, AnythingElseIsNoJournal) {
  EXPECT_EQ(journal.restore("incarnation 3\nepoch 1\n").dropped_bytes, 22u);
  EXPECT_EQ(journal.restore("").dropped_bytes, 0u);
}

// Whatever happens, and whenever the process ends: a new one knows what the old one had written.
TEST(Journal, AnyHistoryIsReadBack) {
  const bool holds = rc::check([] {
    FakeDisk disk;
    LogJournal journal({.least_rewrite_bytes = *rc::gen::inRange<std::uint64_t>(0, 8192)}, disk);
    std::vector<AttemptRef> accepted, spooled;
    std::uint64_t next = 1;
    for (const int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100))) {
      if (step < 45) {
        accepted.push_back(ref(next));
        journal.accept(attempt(next++));
      } else if (step < 75 && !accepted.empty()) {
        const AttemptRef ended = accepted[static_cast<std::size_t>(step) % accepted.size()];
        std::erase(accepted, ended);
        spooled.push_back(ended);
        journal.finish(result(ended.uid.low));
      } else if (!spooled.empty()) {
        const AttemptRef settled = spooled[static_cast<std::size_t>(step) % spooled.size()];
        std::erase(spooled, settled);
        journal.forget(settled.uid);
      }
      journal.settle(at(Duration(0)));
      const Read read(disk.file);
      RC_ASSERT(read.restored.dropped_bytes == 0u);
      RC_ASSERT(read.journal.accepted_refs() == accepted);
      RC_ASSERT(read.journal.spooled_refs() == spooled);
    }
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace skerry::agent
