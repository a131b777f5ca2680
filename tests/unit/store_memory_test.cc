// MemoryStore: durability by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/store/memory_store.h"
#include "tests/unit/store_world.h"

namespace skerry::store {
namespace {

using ::testing::ElementsAre;
using testing::known_batch;

class MemoryStoreTest : public ::testing::Test {
 protected:
  std::vector<Position> durable_;
  std::vector<Error> fatal_;
  MemoryStore store_{{.on_durable = [this](Position p) { durable_.push_back(p); },
                      .on_fatal = [this](const Error& error) { fatal_.push_back(error); }}};
};

TEST_F(MemoryStoreTest, ShowsNothingBeforeItIsSynced) {
  EXPECT_EQ(store_.append({{Table::kJob, "a", "1"}}), 1U);
  EXPECT_EQ(store_.durable(), 0U);
  EXPECT_EQ(store_.get(Table::kJob, "a").error().code, ErrorCode::kNotFound);

  EXPECT_EQ(store_.sync(), 1U);
  EXPECT_EQ(store_.get(Table::kJob, "a").value(), "1");
  EXPECT_THAT(durable_, ElementsAre(1U));
}

TEST_F(MemoryStoreTest, TellsOnceForAllBatchesOfASyncAndNotForNone) {
  for (Position p = 1; p <= 3; ++p) {
    store_.append(known_batch(p));
  }
  store_.sync(2);
  store_.sync(2);
  store_.sync();
  store_.sync();
  EXPECT_THAT(durable_, ElementsAre(2U, 3U));
}

TEST_F(MemoryStoreTest, LosesWhatWasNotSyncedInACrash) {
  store_.append(known_batch(1));
  store_.sync();
  store_.append(known_batch(2));
  store_.crash();
  EXPECT_EQ(testing::difference_from_known(store_), "");
  EXPECT_EQ(store_.durable(), 1U);
  EXPECT_EQ(store_.append(known_batch(2)), 2U);
}

TEST_F(MemoryStoreTest, KeepsAPrefixThatHadReachedTheDiskWithoutHavingTold) {
  for (Position p = 1; p <= 5; ++p) {
    store_.append(known_batch(p));
  }
  store_.crash(3);
  EXPECT_EQ(testing::difference_from_known(store_), "");
  EXPECT_EQ(store_.durable(), 3U);
  EXPECT_TRUE(durable_.empty());
}

TEST_F(MemoryStoreTest, TellsNobodyOfAnythingInASyncThatFailsNorAfterIt) {
  for (Position p = 1; p <= 4; ++p) {
    store_.append(known_batch(p));
  }
  store_.fail_at(3);
  EXPECT_EQ(store_.sync(1), 1U);
  EXPECT_EQ(store_.sync(), 1U);
  EXPECT_EQ(store_.sync(2), 1U);
  EXPECT_THAT(durable_, ElementsAre(1U));
  EXPECT_EQ(fatal_.size(), 1U);

  store_.crash();
  EXPECT_EQ(store_.append(known_batch(2)), 2U);
  EXPECT_EQ(store_.sync(), 2U);
}

}  // namespace
}  // namespace skerry::store
