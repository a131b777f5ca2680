// Tests of the blob directory: what is written can be read, half-written blobs never show, pins
// hold.
#include "controller/blobs/blob_dir.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "common/digest.h"

namespace skerry::blobs {
namespace {

namespace fs = std::filesystem;

class BlobDirTest : public testing::Test {
 protected:
  BlobDirTest()
      : root_(fs::path(testing::TempDir()) / ("blobs-" + to_hex(random_bytes(8)))),
        dir_(*BlobDir::open(root_)) {}
  ~BlobDirTest() override { fs::remove_all(root_); }

  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
      count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
  }
  void remove(std::string_view digest) {
    dir_->abandon(digest);
    EXPECT_TRUE(dir_->reap());
  }
  bool has(std::string_view digest) const { return dir_->size_bytes(digest).has_value(); }

  fs::path root_;
  std::unique_ptr<BlobDir> dir_;
};

TEST_F(BlobDirTest, ReadsBackWhatWasPutUnderItsDigest) {
  const std::string bytes = "pixels";
  const auto pin = dir_->put(bytes);
  ASSERT_TRUE(pin);
  EXPECT_EQ(pin->digest(), sha256_digest(bytes));
  EXPECT_EQ(pin->size_bytes(), 6u);
  EXPECT_TRUE(pin->created());
  EXPECT_EQ(dir_->read_all(pin->digest()), bytes);
  EXPECT_EQ(dir_->size_bytes(pin->digest()), 6u);
}

TEST_F(BlobDirTest, PutsTheSameBytesOnce) {
  ASSERT_TRUE(dir_->put("same"));
  const auto again = dir_->put("same");
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->created());
  EXPECT_EQ(files(), 1u);
}

TEST_F(BlobDirTest, KeepsAnEmptyBlob) {
  ASSERT_TRUE(dir_->put(""));
  EXPECT_EQ(dir_->read_all(sha256_digest("")), "");
}

TEST_F(BlobDirTest, StreamsInPieces) {
  auto writer = dir_->writer();
  ASSERT_TRUE(writer && writer->write("one ") && writer->write("two"));
  EXPECT_FALSE(has(sha256_digest("one two"))) << "visible before its commit";
  const auto pin = writer->commit(sha256_digest("one two"));
  ASSERT_TRUE(pin);

  auto reader = dir_->read(pin->digest());
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->read(4), "one ");
  EXPECT_EQ(reader->read(100), "two");
  EXPECT_EQ(reader->read(100), "");
}

TEST_F(BlobDirTest, AWrongDigestIsRefusedAndLeavesNothing) {
  {
    auto writer = dir_->writer();
    ASSERT_TRUE(writer && writer->write("bytes"));
    const auto pin = writer->commit(sha256_digest("other bytes"));
    ASSERT_FALSE(pin);
    EXPECT_EQ(pin.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(BlobDirTest, AWriterThatIsDroppedLeavesNothing) {
  {
    auto writer = dir_->writer();
    ASSERT_TRUE(writer && writer->write("half"));
    EXPECT_EQ(files(), 1u);
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(BlobDirTest, OpeningRemovesWhatACrashLeftHalfWritten) {
  std::ofstream(root_ / "tmp" / "7") << "half";
  const std::string whole = dir_->put("whole")->digest();
  dir_ = *BlobDir::open(root_);
  EXPECT_EQ(files(), 1u);
  EXPECT_TRUE(has(whole));
}

TEST_F(BlobDirTest, UnknownAndMalformedDigestsAreErrors) {
  EXPECT_EQ(dir_->read(sha256_digest("never")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(dir_->size_bytes(sha256_digest("never")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(dir_->read("sha256:../../etc/passwd").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(dir_->pin("x").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(dir_->pin(sha256_digest("never")).error().code, ErrorCode::kNotFound);
  remove(sha256_digest("never"));  // removing what is not there is fine
  dir_->abandon("x");
  EXPECT_EQ(dir_->reap().error().code, ErrorCode::kInvalidArgument);
}

TEST_F(BlobDirTest, ChangedBytesAreReportedAsCorrupt) {
  const std::string digest = dir_->put("original")->digest();
  std::ofstream(root_ / digest.substr(7, 2) / digest.substr(7)) << "0riginal";
  EXPECT_EQ(dir_->read_all(digest).error().code, ErrorCode::kCorrupt);
}

TEST_F(BlobDirTest, RemoveTakesABlobAwayUnlessItIsPinned) {
  const std::string digest = dir_->put("x")->digest();
  {
    const auto pin = dir_->put("x");
    remove(digest);
    EXPECT_TRUE(has(digest));
  }
  EXPECT_TRUE(has(digest)) << "its holder wanted it";
  remove(digest);
  EXPECT_FALSE(has(digest));
}

TEST_F(BlobDirTest, DiscardingRemovesOnlyWhatNobodyElseWants) {
  dir_->put("mine")->discard();
  EXPECT_FALSE(has(sha256_digest("mine")));

  ASSERT_TRUE(dir_->put("ours"));
  dir_->put("ours")->discard();
  EXPECT_TRUE(has(sha256_digest("ours"))) << "it was there before";

  {
    auto first = dir_->put("shared");
    const auto second = dir_->put("shared");
    first->discard();
    EXPECT_TRUE(has(sha256_digest("shared")));
  }
  EXPECT_TRUE(has(sha256_digest("shared"))) << "the second holder kept it";
}

TEST_F(BlobDirTest, DiscardingAfterARemoveCompletesIt) {
  ASSERT_TRUE(dir_->put("x"));
  auto pin = dir_->put("x");
  remove(pin->digest());
  pin->discard();
  EXPECT_FALSE(has(sha256_digest("x")));
}

TEST_F(BlobDirTest, GivingUpABlobLeavesItsFileToTheReaping) {
  const std::string digest = dir_->put("x")->digest();
  dir_->abandon(digest);
  EXPECT_TRUE(has(digest));
  ASSERT_TRUE(dir_->reap());
  EXPECT_FALSE(has(digest));
}

TEST_F(BlobDirTest, WhatIsPutOrPinnedAgainBeforeTheReapingSurvivesIt) {
  const std::string put = dir_->put("put")->digest();
  const std::string pinned = dir_->put("pinned")->digest();
  dir_->abandon(put);
  dir_->abandon(pinned);
  ASSERT_TRUE(dir_->put("put"));
  ASSERT_TRUE(dir_->pin(pinned));
  ASSERT_TRUE(dir_->reap());
  EXPECT_TRUE(has(put));
  EXPECT_TRUE(has(pinned));
}

TEST_F(BlobDirTest, WhoDiscardsABlobThatWasGivenUpBeforeCompletesIt) {
  const std::string digest = dir_->put("x")->digest();
  dir_->abandon(digest);
  dir_->put("x")->discard();
  EXPECT_FALSE(has(digest));
}

TEST_F(BlobDirTest, AnEarlierHoldersWishEndsWhenTheBlobIsGivenUp) {
  const std::string digest = sha256_digest("x");
  auto last = dir_->put("x");
  ASSERT_TRUE(dir_->put("x"));  // kept: its job is known, and ends
  dir_->abandon(digest);
  last->discard();
  EXPECT_FALSE(has(digest));
}

TEST_F(BlobDirTest, ReapingBesidePuttingNeverTakesWhatAPinHolds) {
  std::atomic<bool> done = false;
  std::jthread reaper([&] {
    while (!done) {
      EXPECT_TRUE(dir_->reap());
    }
  });
  for (int i = 0; i < 300; ++i) {
    const auto pin = dir_->put("x");
    ASSERT_TRUE(pin);
    EXPECT_TRUE(has(pin->digest()));
    dir_->abandon(pin->digest());
    EXPECT_TRUE(has(pin->digest()));
  }
  done = true;
}

TEST_F(BlobDirTest, SweepRemovesTheUnwanted) {
  const std::string wanted = dir_->put("wanted")->digest();
  ASSERT_TRUE(dir_->put("unwanted"));
  EXPECT_EQ(dir_->sweep([&](std::string_view digest) { return digest == wanted; }), 1u);
  EXPECT_TRUE(has(wanted));
  EXPECT_EQ(files(), 1u);
}

}  // namespace
}  // namespace skerry::blobs
