// WalCheck on its own: every cut and every flipped bit of a small log, and of several logs.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/store/wal_check.h"
#include "tests/unit/store_world.h"

namespace skerry::store {
namespace {

using testing::files_ending;
using testing::known_store;
using testing::read_file;
using testing::Reports;
using testing::TempDirectory;

// A log as RocksDB wrote it, and where each commit ends in it. ends[0] is the end of the record
// that creation writes.
struct Log {
  std::string bytes;
  std::vector<std::uint64_t> ends;
};

Log log_of(Position count) {
  TempDirectory directory;
  Reports reports;
  const auto store = known_store(directory.path(), reports, 0);
  Log log;
  const auto note_end = [&] {
    log.bytes = read_file(directory.path() + "/" + files_ending(directory.path(), ".log").back());
    log.ends.push_back(log.bytes.size());
  };
  note_end();
  for (Position position = 1; position <= count; ++position) {
    reports.wait_durable(store->append(testing::known_batch(position)));
    note_end();
  }
  return log;
}

WalFinding check_of(const std::vector<std::string>& logs,
                    const std::optional<Stamp>& tables = std::nullopt) {
  WalCheck check(tables, tables ? tables->store_id : std::string());
  for (std::size_t i = 0; i < logs.size(); ++i) {
    check.read(std::to_string(i) + ".log", logs[i]);
  }
  return check.finding();
}

Position last_of(const WalFinding& found) { return found.last ? found.last->last : 0; }

// Commits that are whole in the first `size` bytes.
Position commits_within(const Log& log, std::uint64_t size) {
  Position position = 0;
  while (position + 1 < log.ends.size() && log.ends[position + 1] <= size) {
    position += 1;
  }
  return position;
}

class WalCheckTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    small_ = log_of(6);
    large_ = log_of(15);
  }
  inline static Log small_;
  inline static Log large_;  // two of its commits span blocks
};

TEST_F(WalCheckTest, FindsAWholeLogComplete) {
  for (const Log* log : {&small_, &large_}) {
    const WalFinding found = check_of({log->bytes});
    EXPECT_EQ(last_of(found) + 1, log->ends.size());
    EXPECT_FALSE(found.cut.has_value());
    EXPECT_FALSE(found.damage.has_value());
  }
}

TEST_F(WalCheckTest, KeepsWhatIsWholeWhereverTheLogIsCutAndCallsTheRestTorn) {
  for (const Log* log : {&small_, &large_}) {
    for (std::uint64_t size = 0; size < log->bytes.size(); ++size) {
      if (log == &large_ && size % 61 != 0 && size % 32768 > 16 && size % 32768 < 32768 - 16) {
        continue;
      }
      const WalFinding found = check_of({log->bytes.substr(0, size)});
      const Position whole = commits_within(*log, size);
      ASSERT_EQ(last_of(found), whole) << "cut at " << size;
      ASSERT_FALSE(found.damage.has_value()) << "cut at " << size << ": " << *found.damage;
      if (found.cut) {
        ASSERT_EQ(found.cut->offset + found.cut->lost_bytes, size);
        ASSERT_EQ(found.cut->offset, size < log->ends[0] ? 0 : log->ends[whole]);
      } else if (size > 0) {  // at a commit's end, or within the padding behind it
        ASSERT_LE(size - log->ends[whole], 6U) << "cut at " << size;
      }
    }
  }
}

TEST_F(WalCheckTest, TellsEveryFlippedBitInTheMiddleFromATornEnd) {
  const Position count = small_.ends.size() - 1;
  for (std::uint64_t bit = 0; bit < small_.bytes.size() * 8; ++bit) {
    std::string bytes = small_.bytes;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    const WalFinding found = check_of({bytes});
    if (bit / 8 < small_.ends[0]) {
      // The record of the creation has no position, so the commits lack nothing. But RocksDB would
      // open without them.
      ASSERT_TRUE(found.damage.has_value()) << "bit " << bit;
      ASSERT_FALSE(found.last.has_value()) << "bit " << bit;
    } else if (bit / 8 >= small_.ends[count - 1]) {
      ASSERT_FALSE(found.damage.has_value()) << "bit " << bit;
      ASSERT_TRUE(found.cut.has_value()) << "bit " << bit;
      ASSERT_EQ(last_of(found), count - 1) << "bit " << bit;
    } else {
      ASSERT_TRUE(found.damage.has_value()) << "bit " << bit;
      ASSERT_EQ(last_of(found), commits_within(small_, bit / 8)) << "bit " << bit;
    }
  }
}

TEST_F(WalCheckTest, NoticesAZeroedHeaderThatRocksDbWouldSkip) {
  std::string bytes = small_.bytes;
  bytes.replace(small_.ends[2], 7, 7, '\0');
  const WalFinding found = check_of({bytes});
  EXPECT_TRUE(found.damage.has_value());
  EXPECT_EQ(last_of(found), 2U);
  EXPECT_EQ(found.cut->offset, small_.ends[2]);
}

TEST_F(WalCheckTest, TakesZeroesAtTheEndForTorn) {
  const WalFinding found = check_of({small_.bytes + std::string(100'000, '\0')});
  EXPECT_FALSE(found.damage.has_value());
  EXPECT_EQ(last_of(found) + 1, small_.ends.size());
  EXPECT_EQ(found.cut->lost_bytes, 100'000U);
}

TEST_F(WalCheckTest, FollowsPositionsFromFileToFile) {
  const std::string first = small_.bytes.substr(0, small_.ends[3]);
  const std::string second = small_.bytes.substr(small_.ends[3]);
  EXPECT_EQ(last_of(check_of({first, second})), 6U);
  EXPECT_EQ(last_of(check_of({first, "", second})), 6U);
}

TEST_F(WalCheckTest, MissesAFileInTheMiddleAndOneCutBetweenTwoRecords) {
  const std::string first = small_.bytes.substr(0, small_.ends[2]);
  const std::string last = small_.bytes.substr(small_.ends[4]);
  const WalFinding found = check_of({first, last});
  EXPECT_EQ(found.damage.value_or(""),
            "positions 3 to 4 are missing from 1.log, but later ones are there");
  EXPECT_EQ(last_of(found), 2U);
  EXPECT_EQ(found.cut->file, "1.log");
  EXPECT_EQ(found.cut->offset, 0U);
}

TEST_F(WalCheckTest, ExpectsTheLogToBeginWhereTheTablesEnd) {
  Stamp tables = *check_of({small_.bytes.substr(0, small_.ends[3])}).last;
  const std::string rest = small_.bytes.substr(small_.ends[3]);
  EXPECT_EQ(last_of(check_of({rest}, tables)), 6U);
  EXPECT_FALSE(check_of({rest}, tables).damage.has_value());
  tables.first = tables.last = 2;
  EXPECT_TRUE(check_of({rest}, tables).damage.has_value());
}

TEST_F(WalCheckTest, DoesNotMindDamageToWhatTheTablesHoldUnlessCommitsStandBehindItInTheSameFile) {
  const Stamp tables = *check_of({small_.bytes.substr(0, small_.ends[3])}).last;
  std::string bytes = small_.bytes;
  bytes[small_.ends[1] + 10] ^= 1;
  const WalFinding found =
      check_of({bytes.substr(0, small_.ends[3]), bytes.substr(small_.ends[3])}, tables);
  EXPECT_FALSE(found.damage.has_value());
  EXPECT_FALSE(found.cut.has_value());
  EXPECT_EQ(last_of(found), 6U);
  EXPECT_TRUE(check_of({bytes}, tables).damage.has_value());
}

TEST_F(WalCheckTest, IsNotMisledByAValueThatLooksLikeALog) {
  // A torn commit whose value holds the log of another store, as anybody might submit it.
  const Log other = log_of(3);
  const std::string torn = std::string(40, 'x') + other.bytes;
  const WalFinding found = check_of({small_.bytes + torn});
  EXPECT_FALSE(found.damage.has_value());
  EXPECT_EQ(last_of(found), 6U);
  EXPECT_EQ(found.cut->lost_bytes, torn.size());
}

TEST_F(WalCheckTest, RefusesALogOfAnotherStore) {
  const Stamp tables = *check_of({log_of(1).bytes}).last;
  EXPECT_TRUE(check_of({small_.bytes}, tables).damage.has_value());
}

}  // namespace
}  // namespace skerry::store
