// The files of a store are cut, or bits in them flipped: what opens is right, or it is refused and
// nothing is changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "common/random.h"
#include "controller/store/rocks_store.h"
#include "tests/unit/store_world.h"

namespace skerry::store {
namespace {

using testing::copy_directory;
using testing::difference_from_known;
using testing::files_ending;
using testing::fingerprint;
using ::testing::HasSubstr;
using testing::known_batch;
using testing::known_store;
using testing::read_file;
using testing::Reports;
using testing::rounds;
using testing::TempDirectory;
using testing::write_file;

void flip(std::string& bytes, std::uint64_t bit) {
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
}

std::string current_manifest(const std::string& path) {
  const std::string current = read_file(path + "/CURRENT");
  return current.substr(0, current.size() - 1);  // a line
}

// What a kill would leave of a store, to be damaged again and again: commits in tables and in a
// log.
class StoreDamage : public ::testing::Test {
 protected:
  static constexpr Position kInTables = 3;
  static constexpr Position kCommits = 17;  // 7 and 14 span blocks

  static void SetUpTestSuite() {
    directory_ = std::make_unique<TempDirectory>();
    {
      Reports reports;
      known_store(image(), reports, kInTables);
    }
    Reports reports;  // opening again moves the log into a table
    const auto store = known_store(image(), reports, 0);
    old_witness_ = read_file(image() + "/witness");
    for (Position position = kInTables + 1; position <= kCommits; ++position) {
      reports.wait_durable(store->append(known_batch(position)));
      log_name_ = files_ending(image(), ".log").back();
      log_ = read_file(image() + "/" + log_name_);
      last_begins_ = position == kCommits - 1 ? log_.size() : last_begins_;
    }
    copy_directory(image(), directory_->path("killed"));
  }
  static void TearDownTestSuite() { directory_.reset(); }

  static std::string image() { return directory_->path("image"); }
  static std::string victim() { return directory_->path("victim"); }

  // The image with this log, as a kill leaves it, or with an old witness as a power loss may.
  static void prepare(const std::string& log, bool power_loss) {
    copy_directory(directory_->path("killed"), victim());
    write_file(victim() + "/" + log_name_, log);
    if (power_loss) {
      write_file(victim() + "/witness", old_witness_);
    }
  }

  // Opens the victim; it is at this position and right, or it is refused (nullopt) and unchanged.
  static std::optional<Position> outcome() {
    const std::string before = fingerprint(victim());
    Reports reports;
    const auto store = open_rocks_store(reports.options(victim()));
    if (!store) {
      EXPECT_EQ(store.error().code, ErrorCode::kCorrupt) << store.error().message;
      EXPECT_EQ(fingerprint(victim()), before) << store.error().message;
      return std::nullopt;
    }
    EXPECT_EQ(difference_from_known(**store), "");
    return (*store)->durable();
  }

  // As outcome(), but reading may also be what is refused.
  static std::optional<Position> outcome_or_unreadable() {
    Reports reports;
    const auto store = open_rocks_store(reports.options(victim()));
    const auto read = [&] { return (*store)->scan(Table::kTask, "", 100); };
    if (store && read()) {
      EXPECT_EQ(difference_from_known(**store), "");
      return (*store)->durable();
    }
    EXPECT_EQ(store ? read().error().code : store.error().code, ErrorCode::kCorrupt);
    return std::nullopt;
  }

  inline static std::unique_ptr<TempDirectory> directory_;
  inline static std::string old_witness_;  // says kInTables
  inline static std::string log_name_;
  inline static std::string log_;
  inline static std::uint64_t last_begins_ = 0;  // offset of the last commit in the log
};

// Sizes to cut the log to: each of its last bytes, around each block, and some of the rest.
std::vector<std::uint64_t> cuts(std::uint64_t size) {
  const auto last_bytes = static_cast<std::uint64_t>(rounds(600));
  std::vector<std::uint64_t> cuts;
  for (std::uint64_t at = 0; at < size; ++at) {
    const std::uint64_t in_block = at % 32768;
    if (size - at <= last_bytes || in_block <= 8 || in_block >= 32768 - 8 || at % 997 == 0) {
      cuts.push_back(at);
    }
  }
  return cuts;
}

TEST_F(StoreDamage, AfterAKillRefusesALogCutAnywhere) {
  for (const std::uint64_t size : cuts(log_.size())) {
    prepare(log_.substr(0, size), /*power_loss=*/false);
    ASSERT_EQ(outcome(), std::nullopt) << "cut to " << size;
  }
}

TEST_F(StoreDamage, AfterAPowerLossKeepsEveryWholeCommitOfALogCutAnywhere) {
  Position before = kInTables;
  for (const std::uint64_t size : cuts(log_.size())) {
    prepare(log_.substr(0, size), /*power_loss=*/true);
    const std::optional<Position> position = outcome();
    ASSERT_TRUE(position.has_value()) << "cut to " << size;
    ASSERT_GE(*position, before) << "cut to " << size;
    ASSERT_EQ(*position == kCommits - 1, size >= last_begins_) << "cut to " << size;
    before = *position;
  }
}

// Bits anywhere, and as often among the first bytes and in the last commit.
std::uint64_t bit_to_flip(Random& random, int i, std::uint64_t size, std::uint64_t last_begins) {
  switch (i % 3) {
    case 0:
      return random.below(64 * 8);
    case 1:
      return last_begins * 8 + random.below((size - last_begins) * 8);
    default:
      return random.below(size * 8);
  }
}

TEST_F(StoreDamage, AfterAKillNeverOpensShorterWhateverBitIsFlipped) {
  Random random(7);
  for (int i = 0; i < rounds(900); ++i) {
    std::string log = log_;
    const std::uint64_t bit = bit_to_flip(random, i, log.size(), last_begins_);
    flip(log, bit);
    prepare(log, /*power_loss=*/false);
    ASSERT_EQ(outcome().value_or(kCommits), kCommits) << "bit " << bit;
  }
}

TEST_F(StoreDamage, AfterAPowerLossLosesAtMostTheLastCommitToAFlippedBit) {
  Random random(8);
  for (int i = 0; i < rounds(900); ++i) {
    std::string log = log_;
    const std::uint64_t bit = bit_to_flip(random, i, log.size(), last_begins_);
    flip(log, bit);
    prepare(log, /*power_loss=*/true);
    const std::optional<Position> position = outcome();
    if (bit / 8 >= last_begins_) {
      ASSERT_EQ(position, kCommits - 1) << "bit " << bit;
    } else {
      ASSERT_EQ(position.value_or(kCommits), kCommits) << "bit " << bit;
    }
  }
}

TEST_F(StoreDamage, ReportsATornEndAndWhatItCutOff) {
  prepare(log_ + "torn", /*power_loss=*/false);
  Reports reports;
  const auto store = open_rocks_store(reports.options(victim()));
  ASSERT_TRUE(store.has_value()) << store.error().message;
  EXPECT_EQ(reports.recovery().position, kCommits);
  EXPECT_EQ(reports.recovery().witness_position, kCommits);
  EXPECT_TRUE(reports.recovery().torn_end);
  EXPECT_EQ(reports.recovery().lost_bytes, 4U);
  EXPECT_EQ(reports.recovery().damage, "");
}

TEST_F(StoreDamage, GoesOnWithWhatIsReadableOnceTheWitnessIsMovedAway) {
  std::string log = log_;
  flip(log, (last_begins_ - 100) * 8);
  prepare(log, /*power_loss=*/false);
  Reports refused;
  const auto none = open_rocks_store(refused.options(victim()));
  ASSERT_FALSE(none.has_value());
  EXPECT_THAT(none.error().message, HasSubstr("up to position 15"));
  EXPECT_THAT(none.error().message, HasSubstr(victim() + "/witness away"));

  std::filesystem::remove(victim() + "/witness");
  for (Position at = kCommits - 2; at < kCommits + 1; ++at) {
    Reports reports;
    const auto store = open_rocks_store(reports.options(victim()));
    ASSERT_TRUE(store.has_value()) << store.error().message;
    EXPECT_EQ((*store)->durable(), at);
    EXPECT_EQ(difference_from_known(**store), "");
    EXPECT_EQ(reports.recovery().damage.empty(), at != kCommits - 2);
    EXPECT_EQ(reports.recovery().witness_missing, at == kCommits - 2);
    reports.wait_durable((*store)->append(known_batch(at + 1)));
  }
  EXPECT_EQ(read_file(victim() + "/" + log_name_ + ".damaged"), log);
}

TEST_F(StoreDamage, BelievesTheOtherSlotIfOneOfTheWitnessIsDamaged) {
  const std::string witness = read_file(directory_->path("killed") + "/witness");
  for (std::size_t slot = 0; slot < 2; ++slot) {
    for (std::uint64_t bit = slot * 4096 * 8; bit < (slot * 4096 + 40) * 8; bit += 7) {
      std::string damaged = witness;
      flip(damaged, bit);
      prepare(log_, /*power_loss=*/false);
      write_file(victim() + "/witness", damaged);
      ASSERT_EQ(outcome(), kCommits) << "bit " << bit;
    }
  }
}

TEST_F(StoreDamage, RefusesAWitnessThatIsUnreadable) {
  for (const std::string& content : {std::string(), std::string(8192, '\0'), std::string("x")}) {
    prepare(log_, /*power_loss=*/false);
    write_file(victim() + "/witness", content);
    EXPECT_EQ(outcome(), std::nullopt);
  }
}

TEST_F(StoreDamage, RefusesAWitnessOfAnotherStore) {
  TempDirectory other;
  Reports reports;
  known_store(other.path(), reports, 2);
  prepare(log_, /*power_loss=*/false);
  write_file(victim() + "/witness", read_file(other.path() + "/witness"));
  EXPECT_EQ(outcome(), std::nullopt);
}

TEST_F(StoreDamage, RefusesAManifestCutAnywhereUnlessNothingIsLost) {
  int refused = 0;
  const std::string name = current_manifest(directory_->path("killed"));
  const std::string whole = read_file(directory_->path("killed") + "/" + name);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    prepare(log_, /*power_loss=*/false);
    write_file(victim() + "/" + name, whole.substr(0, size));
    const std::optional<Position> position = outcome();
    ASSERT_EQ(position.value_or(kCommits), kCommits) << "cut to " << size;
    refused += position ? 0 : 1;
  }
  EXPECT_GT(refused, static_cast<int>(whole.size() / 2));
}

TEST_F(StoreDamage, NeverReadsAWrongValueWhateverBitOfAnyOtherFileIsFlipped) {
  Random random(9);
  int refused = 0;
  for (const std::string& name : files_ending(directory_->path("killed"), "")) {
    const std::string whole = read_file(directory_->path("killed") + "/" + name);
    for (int i = 0; i < rounds(100) && !whole.empty() && name != log_name_; ++i) {
      std::string damaged = whole;
      const std::uint64_t bit = random.below(whole.size() * 8);
      flip(damaged, bit);
      prepare(log_, /*power_loss=*/false);
      write_file(victim() + "/" + name, damaged);
      const std::optional<Position> position = outcome_or_unreadable();
      ASSERT_EQ(position.value_or(kCommits), kCommits) << name << " bit " << bit;
      refused += position ? 0 : 1;
    }
  }
  EXPECT_GT(refused, rounds(100));
}

}  // namespace
}  // namespace skerry::store
