// The disk refuses: the Nth operation fails, for every N.
#include <gtest/gtest.h>

#include <algorithm>

#include "controller/store/rocks_store.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_world.h"

namespace skerry::store {
namespace {

using testing::difference_from_known;
using testing::Fault;
using testing::known_batch;
using testing::known_store;
using testing::Reports;
using testing::ScriptedFiles;
using testing::TempDirectory;

constexpr Position kBatches = 8;

RocksOptions options_on(Reports& reports, const std::string& path,
                        const std::shared_ptr<ScriptedFiles>& files) {
  RocksOptions options = reports.options(path);
  options.files = files;
  return options;
}

// Appends one at a time until told or failed; returns how far it came.
Position append_all(Store& store, Reports& reports) {
  for (Position position = 1; position <= kBatches && reports.fatal().empty(); ++position) {
    reports.wait_durable(store.append(known_batch(position)));
  }
  return reports.durable().empty() ? 0 : reports.durable().back();
}

void expect_told_in_order(const Reports& reports) {
  Position expected = 1;
  for (const Position told : reports.durable()) {
    EXPECT_EQ(told, expected++);
  }
}

// Whatever failed, what was told is there when the disk works again.
void expect_all_there(const std::string& path, Position told) {
  Reports reports;
  const auto store = known_store(path, reports, 0);
  ASSERT_NE(store, nullptr);
  EXPECT_GE(store->durable(), told);
  EXPECT_EQ(difference_from_known(*store), "");
}

int operations_of_a_run_after_opening() {
  TempDirectory directory;
  Reports reports;
  auto files = std::make_shared<ScriptedFiles>();
  auto store = open_rocks_store(options_on(reports, directory.path(), files)).value();
  files->arm(0);
  append_all(*store, reports);
  store.reset();
  return files->operations();
}

class StoreFaultsOfAKind : public ::testing::TestWithParam<Fault> {};
INSTANTIATE_TEST_SUITE_P(, StoreFaultsOfAKind, ::testing::Values(Fault::kIo, Fault::kTorn));

TEST_P(StoreFaultsOfAKind, StopsAtTheFirstFailureAndTellsNobodyOfThatBatchNorAnyLater) {
  const int operations = operations_of_a_run_after_opening();
  ASSERT_GE(operations, static_cast<int>(3 * kBatches));  // append, sync, witness for each
  for (int n = 1; n <= operations; ++n) {
    TempDirectory directory;
    Reports reports;
    auto files = std::make_shared<ScriptedFiles>();
    auto store = open_rocks_store(options_on(reports, directory.path(), files)).value();
    files->arm(n, "", GetParam());
    const Position told = append_all(*store, reports);
    SCOPED_TRACE(::testing::Message() << "operation " << n << ": " << files->failed());
    if (told < kBatches) {
      ASSERT_EQ(reports.fatal().size(), 1U);
      EXPECT_EQ(reports.fatal()[0].code, ErrorCode::kIo);
      store->append(known_batch(told + 2));  // the disk works again, but that must not help
    }
    store.reset();
    EXPECT_EQ(reports.durable().empty() ? 0 : reports.durable().back(), told);
    expect_told_in_order(reports);
    EXPECT_FALSE(files->failed().empty());
    expect_all_there(directory.path(), told);
  }
}

TEST(StoreFaults, OpensOrRefusesButNeverLosesIfTheDiskFailsWhileOpening) {
  TempDirectory directory;
  {
    Reports reports;
    known_store(directory.path("original"), reports, kBatches);
  }
  // A torn end, so that the cut is among the operations.
  const std::string log = testing::files_ending(directory.path("original"), ".log").back();
  const std::string torn = testing::read_file(directory.path("original/" + log)) + "torn";
  testing::write_file(directory.path("original/" + log), torn);

  int refused = 0;
  bool reached_the_end = false;
  for (int n = 1; !reached_the_end; ++n) {
    testing::copy_directory(directory.path("original"), directory.path());
    Reports reports;
    auto files = std::make_shared<ScriptedFiles>();
    files->arm(n);
    {
      const auto store = open_rocks_store(options_on(reports, directory.path(), files));
      reached_the_end = files->failed().empty();
      SCOPED_TRACE(::testing::Message() << "operation " << n << ": " << files->failed());
      if (store) {
        EXPECT_EQ(difference_from_known(**store), "");
        EXPECT_EQ((*store)->durable(), kBatches);
      } else {
        refused += 1;
        EXPECT_TRUE(reports.durable().empty());
      }
    }
    expect_all_there(directory.path(), kBatches);
  }
  EXPECT_GE(refused, 10);
}

// Appends until a write buffer is full and its flush has failed, or had the chance to.
void expect_stop_in_background(const std::string& part, int fails) {
  TempDirectory directory;
  Reports reports;
  auto files = std::make_shared<ScriptedFiles>();
  auto store = open_rocks_store(options_on(reports, directory.path(), files)).value();
  files->arm(fails, part);
  for (int i = 0; i < 6 && reports.fatal().empty(); ++i) {
    reports.wait_durable(
        store->append({{Table::kResult, std::to_string(i), std::string(6 * 1024 * 1024, 'x')}}));
  }
  reports.wait_fatal();  // the flush runs in its own time
  store.reset();
  SCOPED_TRACE(::testing::Message() << "operation " << fails << ": " << files->failed());
  ASSERT_FALSE(files->failed().empty());
  EXPECT_EQ(reports.fatal().size(), 1U);

  Reports again;
  const auto reopened = open_rocks_store(again.options(directory.path()));
  ASSERT_TRUE(reopened.has_value()) << reopened.error().message;
  EXPECT_GE((*reopened)->durable(), reports.durable().empty() ? 0 : reports.durable().back());
  EXPECT_EQ((*reopened)->scan(Table::kResult, "", 100).value().size(), (*reopened)->durable());
}

TEST(StoreFaults, StopsIfAFlushFailsInTheBackground) {
  for (const int fails : {1, 3}) {  // create and append to a table
    expect_stop_in_background(".sst", fails);
  }
  for (const int fails : {2}) {  // sync the manifest
    expect_stop_in_background("MANIFEST", fails);
  }
}

}  // namespace
}  // namespace skerry::store
