// The disk is full: what waits, what is told, and that the store comes back by itself as if it had been
// started anew, whichever operation found no space.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "controller/store/rocks_store.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_world.h"

namespace skerry::store {
namespace {

using testing::difference_from_known;
using testing::Fault;
using ::testing::HasSubstr;
using testing::known_batch;
using testing::known_store;
using testing::Reports;
using testing::ScriptedFiles;
using testing::TempDirectory;

constexpr Position kBatches = 6;
constexpr std::uint64_t kMiB = 1024 * 1024;

RocksOptions options_on(Reports& reports, const std::string& path,
                        const std::shared_ptr<ScriptedFiles>& files) {
  RocksOptions options = reports.options(path);
  options.files = files;
  return options;
}

void expect_all_there(const std::string& path, Position position) {
  Reports reports;
  const auto store = known_store(path, reports, 0);
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(store->durable(), position);
  EXPECT_EQ(difference_from_known(*store), "");
}

// A sync, a close or a truncation that fails is a failed disk, whatever it says.
bool is_no_excuse(const std::string& failed) {
  return failed.starts_with("sync") || failed.starts_with("close") ||
         failed.starts_with("truncate");
}

class StoreWithoutSpace : public ::testing::TestWithParam<Fault> {};
INSTANTIATE_TEST_SUITE_P(, StoreWithoutSpace, ::testing::Values(Fault::kFull, Fault::kTornFull));

TEST_P(StoreWithoutSpace, WaitsTellsNobodyAndComesBackWhicheverOperationFoundNone) {
  std::map<std::string, int> outcomes;
  bool over = false;
  for (int n = 1; !over; ++n) {
    TempDirectory directory;
    Reports reports;
    auto files = std::make_shared<ScriptedFiles>();
    auto store = open_rocks_store(options_on(reports, directory.path(), files)).value();
    files->arm(n, "", GetParam());
    Position appended = 0;
    while (appended < kBatches && files->failed().empty() && reports.fatal().empty()) {
      store->append(known_batch(++appended));
      reports.wait_durable_or([&] { return !files->failed().empty(); }, appended);
    }
    over = files->failed().empty();
    SCOPED_TRACE(::testing::Message() << "operation " << n << ": " << files->failed());
    const Position told = store->durable();
    while (appended < kBatches) {
      store->append(known_batch(++appended));
    }
    files->free_space();
    reports.wait_durable(kBatches);
    if (is_no_excuse(files->failed())) {
      ASSERT_EQ(reports.fatal().size(), 1U);
      EXPECT_EQ(reports.fatal()[0].code, ErrorCode::kIo);
      EXPECT_EQ(store->durable(), told);
      outcomes["stopped"] += 1;
      continue;
    }
    ASSERT_TRUE(reports.fatal().empty()) << reports.fatal()[0].message;
    EXPECT_EQ(difference_from_known(*store), "");
    store.reset();
    EXPECT_TRUE(std::ranges::is_sorted(reports.durable()));
    expect_all_there(directory.path(), kBatches);
    outcomes[over ? "nothing failed" : "came back"] += 1;
  }
  EXPECT_GE(outcomes["came back"], static_cast<int>(2 * kBatches));  // append and witness
  EXPECT_GE(outcomes["stopped"], static_cast<int>(kBatches));        // sync
}

// The database is opened anew when there is space, and finds none again: any operation of that may.
TEST_P(StoreWithoutSpace, ComesBackAlsoIfThereIsNoSpaceToComeBackAtFirst) {
  int failed_again = 0;
  bool over = false;
  for (int n = 1; !over; ++n) {
    TempDirectory directory;
    Reports reports;
    auto files = std::make_shared<ScriptedFiles>();
    auto store = open_rocks_store(options_on(reports, directory.path(), files)).value();
    reports.wait_durable(store->append(known_batch(1)));
    files->arm(1, ".log", GetParam());
    store->append(known_batch(2));
    files->wait_failed();
    files->arm(n, "", GetParam());  // frees space as well
    reports.wait_durable_or([&] { return !files->failed().empty(); }, 2);
    over = files->failed().empty();
    SCOPED_TRACE(::testing::Message() << "operation " << n << ": " << files->failed());
    files->free_space();
    reports.wait_durable(2);  // or until it has failed
    if (!reports.fatal().empty()) {
      EXPECT_TRUE(is_no_excuse(files->failed())) << reports.fatal()[0].message;
      EXPECT_EQ(store->durable(), 1U);
      store.reset();
      Reports again;
      EXPECT_GE(known_store(directory.path(), again, 0)->durable(), 1U);
      continue;
    }
    store.reset();
    expect_all_there(directory.path(), 2);
    failed_again += over ? 0 : 1;
  }
  EXPECT_GE(failed_again, 5);
}

TEST(StoreSpace, ComesBackIfAFlushInTheBackgroundFoundNone) {
  for (const std::string part : {".sst", "MANIFEST"}) {
    TempDirectory directory;
    Reports reports;
    auto files = std::make_shared<ScriptedFiles>();
    auto store = open_rocks_store(options_on(reports, directory.path(), files)).value();
    files->arm(1, part, Fault::kFull);
    SCOPED_TRACE(part);
    for (int i = 0; i < 6; ++i) {
      store->append({{Table::kResult, std::to_string(i), std::string(6 * kMiB, 'x')}});
    }
    files->wait_failed();  // the logs may all have been synced before
    store->append({{Table::kResult, "6", "after"}});
    files->free_space();
    reports.wait_durable(7);
    ASSERT_TRUE(reports.fatal().empty()) << reports.fatal()[0].message;
    EXPECT_EQ(store->scan(Table::kResult, "", 100).value().size(), 7U);
    store.reset();
    Reports again;
    const auto reopened = open_rocks_store(again.options(directory.path())).value();
    EXPECT_EQ(reopened->durable(), 7U);
    EXPECT_EQ(reopened->scan(Table::kResult, "", 100).value().size(), 7U);
  }
}

TEST(StoreSpace, IsReadMeanwhileAndClosesWithoutWaiting) {
  TempDirectory directory;
  Reports reports;
  auto files = std::make_shared<ScriptedFiles>();
  auto store = open_rocks_store(options_on(reports, directory.path(), files)).value();
  for (Position position = 1; position <= 3; ++position) {
    reports.wait_durable(store->append(known_batch(position)));
  }
  files->arm(1, ".log", Fault::kTornFull);
  store->append(known_batch(4));
  reports.wait_until([&] { return store->space().state == Space::State::kNone; });
  EXPECT_EQ(difference_from_known(*store), "");
  EXPECT_EQ(store->backlog().batches, 1U);
  store.reset();
  files->free_space();
  EXPECT_EQ(reports.durable().back(), 3U);
  EXPECT_TRUE(reports.fatal().empty());
  expect_all_there(directory.path(), 3);
}

TEST(StoreSpace, SaysThatThereIsLittleAndThatThereIsEnoughAgain) {
  TempDirectory directory;
  Reports reports;
  auto files = std::make_shared<ScriptedFiles>();
  RocksOptions options = options_on(reports, directory.path(), files);
  options.reserve_bytes = 64 * kMiB;
  const auto store = open_rocks_store(std::move(options)).value();
  const auto comes_to = [&](std::uint64_t free_mib, Space::State state) {
    files->set_free_bytes(free_mib * kMiB);
    reports.wait_until([&] { return store->space().free_bytes == free_mib * kMiB; });
    reports.wait_until([&] { return store->space().state == state; });
  };
  EXPECT_EQ(store->space().state, Space::State::kEnough);
  comes_to(64, Space::State::kEnough);
  comes_to(63, Space::State::kLow);
  reports.wait_durable(store->append(known_batch(1)));  // accepted work goes on
  comes_to(79, Space::State::kLow);
  comes_to(80, Space::State::kEnough);
  EXPECT_THAT(reports.logged(), HasSubstr("63 MiB are free, of which 64 are kept"));
  EXPECT_THAT(reports.logged(), HasSubstr("80 MiB are free again"));
}

TEST(StoreSpace, RefusesToOpenWithoutSpaceAndChangesNothing) {
  TempDirectory directory;
  {
    Reports reports;
    known_store(directory.path(), reports, 3);
  }
  Reports reports;
  auto files = std::make_shared<ScriptedFiles>();
  files->arm(1, "MANIFEST", Fault::kFull);
  const auto store = open_rocks_store(options_on(reports, directory.path(), files));
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, ErrorCode::kStorageFull) << store.error().message;
  expect_all_there(directory.path(), 3);
}

}  // namespace
}  // namespace skerry::store
