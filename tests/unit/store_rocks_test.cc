// RocksStore while all is well: order, atomicity, group commit, locks, reopening; and the contract
// that it shares with MemoryStore.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>
#include <future>
#include <thread>

#include "controller/store/memory_store.h"
#include "controller/store/rocks_store.h"
#include "controller/store/stamp.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_world.h"

namespace skerry::store {
namespace {

using testing::copy_directory;
using testing::difference_from_known;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::known_batch;
using testing::known_store;
using testing::Reports;
using testing::ScriptedFiles;
using testing::TempDirectory;

// A store of either kind, and how to make everything appended durable.
struct AnyStore {
  TempDirectory directory;
  Reports reports;
  std::unique_ptr<Store> store;
  std::function<void(Position)> settle;
};

void open_memory(AnyStore& any) {
  auto store = std::make_unique<MemoryStore>();
  any.settle = [raw = store.get()](Position) { raw->sync(); };
  any.store = std::move(store);
}

void open_rocks(AnyStore& any) {
  any.store = known_store(any.directory.path(), any.reports, 0);
  any.settle = [&any](Position position) { any.reports.wait_durable(position); };
}

class StoreContract : public ::testing::TestWithParam<void (*)(AnyStore&)> {
 protected:
  void SetUp() override { GetParam()(any_); }
  void put(Batch batch) { any_.settle(any_.store->append(std::move(batch))); }
  std::vector<std::string> keys(Table table, std::string_view from, std::size_t limit) {
    std::vector<std::string> keys;
    for (const Entry& entry : any_.store->scan(table, from, limit).value()) {
      keys.push_back(entry.key);
    }
    return keys;
  }

  AnyStore any_;
};

TEST_P(StoreContract, StartsEmptyAtPositionZero) {
  EXPECT_EQ(any_.store->durable(), 0U);
  for (const Table table : {Table::kMeta, Table::kJob, Table::kDecision}) {
    EXPECT_TRUE(any_.store->scan(table, "", 10).value().empty());
  }
}

TEST_P(StoreContract, NumbersBatchesFromOne) {
  EXPECT_EQ(any_.store->append({{Table::kJob, "a", "1"}}), 1U);
  EXPECT_EQ(any_.store->append({{Table::kJob, "b", "2"}}), 2U);
  any_.settle(2);
  EXPECT_EQ(any_.store->durable(), 2U);
}

TEST_P(StoreContract, IsNotBehindOnceEverythingIsDurable) {
  put({{Table::kJob, "a", "1"}});
  EXPECT_EQ(any_.store->backlog().batches, 0U);
  EXPECT_EQ(any_.store->backlog().bytes, 0U);
}

TEST_P(StoreContract, LaterWritesOfABatchWin) {
  put({{Table::kJob, "a", "1"},
       {Table::kJob, "a", "2"},
       {Table::kJob, "b", "1"},
       {Table::kJob, "b", std::nullopt}});
  EXPECT_EQ(any_.store->get(Table::kJob, "a").value(), "2");
  EXPECT_EQ(any_.store->get(Table::kJob, "b").error().code, ErrorCode::kNotFound);
}

TEST_P(StoreContract, DeletingWhatIsNotThereIsFine) {
  put({{Table::kJob, "a", std::nullopt}});
  EXPECT_EQ(any_.store->get(Table::kJob, "a").error().code, ErrorCode::kNotFound);
}

TEST_P(StoreContract, KeepsTablesApart) {
  put({{Table::kJob, "k", "job"}, {Table::kTask, "k", "task"}});
  EXPECT_EQ(any_.store->get(Table::kJob, "k").value(), "job");
  EXPECT_EQ(any_.store->get(Table::kTask, "k").value(), "task");
  EXPECT_EQ(any_.store->get(Table::kResult, "k").error().code, ErrorCode::kNotFound);
  EXPECT_THAT(keys(Table::kJob, "", 10), ElementsAre("k"));
}

TEST_P(StoreContract, ScansInByteOrderFromAKeyUpToALimit) {
  const std::string high("\xff\xff", 2);
  const std::string zero("\0", 1);
  put({{Table::kJob, "b", "2"},
       {Table::kJob, high, "4"},
       {Table::kJob, "a", "1"},
       {Table::kJob, "ba", "3"},
       {Table::kJob, zero, "0"},
       {Table::kTask, "a", "other"}});
  EXPECT_THAT(keys(Table::kJob, "", 10), ElementsAre(zero, "a", "b", "ba", high));
  EXPECT_THAT(keys(Table::kJob, "b", 2), ElementsAre("b", "ba"));
  EXPECT_THAT(keys(Table::kJob, "aa", 1), ElementsAre("b"));
  EXPECT_THAT(keys(Table::kJob, "", 0), ElementsAre());
}

TEST_P(StoreContract, KeepsEmptyAndBinaryValues) {
  const std::string binary("\0\xff\n", 3);
  put({{Table::kResult, "empty", ""}, {Table::kResult, "binary", binary}});
  EXPECT_EQ(any_.store->get(Table::kResult, "empty").value(), "");
  EXPECT_EQ(any_.store->get(Table::kResult, "binary").value(), binary);
}

INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, ::testing::Values(&open_memory));
INSTANTIATE_TEST_SUITE_P(Rocks, StoreContract, ::testing::Values(&open_rocks));

TEST(RocksStore, FindsEverythingAgainAfterAnOrderlyClose) {
  TempDirectory directory;
  for (Position count = 0; count < 10; ++count) {
    Reports reports;
    const auto store = known_store(directory.path(), reports, 0);
    EXPECT_EQ(store->durable(), count);
    EXPECT_EQ(difference_from_known(*store), "");
    EXPECT_EQ(reports.recovery().created, count == 0);
    EXPECT_EQ(reports.recovery().witness_position, count);
    EXPECT_FALSE(reports.recovery().torn_end);
    reports.wait_durable(store->append(known_batch(count + 1)));
  }
}

TEST(RocksStore, MakesDurableBeforeItClosesWhatWasStillWaiting) {
  TempDirectory directory;
  Reports reports;
  auto files = std::make_shared<ScriptedFiles>();
  RocksOptions options = reports.options(directory.path());
  options.files = files;
  auto store = open_rocks_store(std::move(options)).value();
  files->hold_syncs(".log");
  store->append(known_batch(1));
  files->wait_for_held_sync();
  store->append(known_batch(2));
  std::promise<void> about_to_close;
  std::thread releasing([&] {
    about_to_close.get_future().wait();
    files->release_syncs();
  });
  about_to_close.set_value();
  store.reset();
  releasing.join();
  EXPECT_THAT(reports.durable(), ElementsAre(1U, 2U));
  Reports again;
  EXPECT_EQ(difference_from_known(*known_store(directory.path(), again, 0)), "");
}

TEST(RocksStore, TellsRisingPositionsAndNoneBeforeItsSync) {
  TempDirectory directory;
  Reports reports;
  auto files = std::make_shared<ScriptedFiles>();
  RocksOptions options = reports.options(directory.path());
  options.files = files;
  std::vector<int> syncs_when_told;
  options.on_durable = [&, tell = options.on_durable](Position position) {
    syncs_when_told.push_back(files->log_syncs());
    tell(position);
  };
  const auto store = open_rocks_store(std::move(options)).value();
  const int before = files->log_syncs();
  for (Position position = 1; position <= 5; ++position) {
    reports.wait_durable(store->append(known_batch(position)));
  }
  EXPECT_THAT(reports.durable(), ElementsAre(1U, 2U, 3U, 4U, 5U));
  EXPECT_THAT(syncs_when_told,
              ElementsAre(before + 1, before + 2, before + 3, before + 4, before + 5));
}

TEST(RocksStore, GathersWhatArrivesDuringASyncIntoOneCommit) {
  TempDirectory directory;
  Reports reports;
  auto files = std::make_shared<ScriptedFiles>();
  RocksOptions options = reports.options(directory.path());
  options.files = files;
  const auto store = open_rocks_store(std::move(options)).value();

  files->hold_syncs(".log");
  store->append(known_batch(1));
  files->wait_for_held_sync();
  for (Position position = 2; position <= 64; ++position) {
    store->append(known_batch(position));
  }
  EXPECT_EQ(store->durable(), 0U);
  EXPECT_EQ(store->get(Table::kNode, "newest").error().code, ErrorCode::kNotFound);
  const int before = files->log_syncs();
  files->release_syncs();
  reports.wait_durable(64);

  EXPECT_EQ(files->log_syncs(), before + 2);
  EXPECT_THAT(reports.durable(), ElementsAre(1U, 64U));
  EXPECT_EQ(reports.commits()[1].batches, 63U);
  EXPECT_EQ(difference_from_known(*store), "");
}

TEST(RocksStore, BoundsACommitByItsBytesButTakesALargerBatchAlone) {
  TempDirectory directory;
  Reports reports;
  auto files = std::make_shared<ScriptedFiles>();
  RocksOptions options = reports.options(directory.path());
  options.files = files;
  options.commit_limit_bytes = 1000;
  const auto store = open_rocks_store(std::move(options)).value();
  files->hold_syncs(".log");
  store->append({{Table::kJob, "held", ""}});
  files->wait_for_held_sync();
  for (const std::size_t size : {400U, 400U, 400U, 5000U, 10U, 10U}) {
    store->append({{Table::kJob, "k", std::string(size, 'v')}});
  }
  files->release_syncs();
  reports.wait_durable(7);
  EXPECT_THAT(reports.durable(), ElementsAre(1U, 3U, 4U, 5U, 7U));
}

TEST(RocksStore, IsBehindByWhatWaitsAndByWhatIsBeingWritten) {
  TempDirectory directory;
  Reports reports;
  auto files = std::make_shared<ScriptedFiles>();
  RocksOptions options = reports.options(directory.path());
  options.files = files;
  const auto store = open_rocks_store(std::move(options)).value();
  files->hold_syncs(".log");
  store->append({{Table::kJob, "key", "value"}, {Table::kJob, "gone", std::nullopt}});
  files->wait_for_held_sync();
  store->append({{Table::kJob, "k", "v"}});
  EXPECT_EQ(store->backlog().batches, 2U);
  EXPECT_EQ(store->backlog().bytes, 14U);
  files->release_syncs();
  reports.wait_durable(2);
  EXPECT_EQ(store->backlog().batches, 0U);
  EXPECT_EQ(store->backlog().bytes, 0U);
}

TEST(RocksStore, AppendWaitsWhileTooMuchIsQueued) {
  TempDirectory directory;
  Reports reports;
  auto files = std::make_shared<ScriptedFiles>();
  RocksOptions options = reports.options(directory.path());
  options.files = files;
  options.queue_limit_bytes = 1000;
  const auto store = open_rocks_store(std::move(options)).value();
  files->hold_syncs(".log");
  store->append({{Table::kJob, "held", ""}});
  files->wait_for_held_sync();
  store->append({{Table::kJob, "fills", std::string(2000, 'v')}});

  std::promise<void> about_to_append;
  std::thread releasing([&] {
    about_to_append.get_future().wait();
    files->release_syncs();
  });
  about_to_append.set_value();
  store->append({{Table::kJob, "waits", ""}});
  releasing.join();
  reports.wait_durable(3);
  // It returned only after the queue was taken, so it was too late for that commit.
  EXPECT_THAT(reports.durable(), ElementsAre(1U, 2U, 3U));
}

TEST(RocksStore, RefusesADirectoryThatIsInUseAndNamesIt) {
  TempDirectory directory;
  Reports reports;
  const auto store = known_store(directory.path(), reports, 1);
  const auto second = open_rocks_store(reports.options(directory.path()));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().message, HasSubstr(directory.path()));
  reports.wait_durable(store->append(known_batch(2)));
  EXPECT_EQ(difference_from_known(*store), "");
}

TEST(RocksStore, CreatesItsDirectoryForItsUserAlone) {
  TempDirectory directory;
  Reports reports;
  for (const char* name : {"made/on/the/way", "with/a/slash/"}) {
    const std::string path = directory.path(name);
    const auto store = known_store(path, reports, 0);
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0700U) << path;
  }
}

TEST(RocksStore, RefusesADirectoryThatCannotBe) {
  TempDirectory directory;
  testing::write_file(directory.path("file"), "");
  Reports reports;
  EXPECT_EQ(open_rocks_store(reports.options(directory.path("file"))).error().code, ErrorCode::kIo);
  EXPECT_EQ(open_rocks_store(reports.options(directory.path("file/below"))).error().code,
            ErrorCode::kIo);
}

TEST(RocksStore, SurvivesFlushesAndCompactions) {
  TempDirectory directory;
  const std::string large(512 * 1024, 'x');
  Position last = 0;
  {
    Reports reports;
    const auto store = known_store(directory.path(), reports, 0);
    for (int i = 0; i < 200; ++i) {  // 100 MiB: six write buffers
      last = store->append({{Table::kResult, std::to_string(i), large + std::to_string(i)}});
    }
    reports.wait_durable(last);
    EXPECT_TRUE(reports.fatal().empty());
  }
  EXPECT_GE(testing::files_ending(directory.path(), ".sst").size(), 2U);
  Reports reports;
  const auto store = known_store(directory.path(), reports, 0);
  EXPECT_EQ(store->durable(), last);
  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(store->get(Table::kResult, std::to_string(i)).value() == large + std::to_string(i));
  }
}

}  // namespace
}  // namespace skerry::store
