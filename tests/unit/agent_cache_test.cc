// The model cache: verified, resumed, shared, bounded, patient with an unreachable source.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>

#include "agent/model_cache.h"
#include "tests/unit/agent_fakes.h"

namespace skerry::agent {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Sends what it has in pieces; can be cut after a number of bytes, or lie.
struct FakeSource final : BlobSource {
  std::map<std::string, std::string> blobs;
  std::map<std::string, std::string> uploaded;
  std::vector<std::uint64_t> offsets;
  std::size_t piece = 10;
  std::size_t cut_after = std::string::npos;
  int unreachable = 0;  // how many calls fail

  void fetch(const std::string& digest, std::uint64_t offset, OnChunk on_chunk,
             OnEnd on_end) override {
    offsets.push_back(offset);
    if (unreachable-- > 0) {
      return on_end(fail(ErrorCode::kUnavailable, "no route"));
    }
    if (!blobs.contains(digest)) {
      return on_end(fail(ErrorCode::kNotFound, "no such blob"));
    }
    const std::string content =
        blobs[digest].substr(std::min<std::size_t>(offset, blobs[digest].size()));
    send(std::make_shared<std::string>(content), 0, blobs[digest].size(), on_chunk, on_end);
  }
  void upload(const std::string& digest, std::shared_ptr<const std::string> bytes,
              OnEnd on_end) override {
    if (unreachable-- > 0) {
      return on_end(fail(ErrorCode::kUnavailable, "no route"));
    }
    uploaded[digest] = *bytes;
    on_end({});
  }

 private:
  void send(std::shared_ptr<std::string> content, std::size_t at, std::uint64_t total,
            OnChunk on_chunk, OnEnd on_end) {
    if (at >= cut_after) {
      cut_after = std::string::npos;
      return on_end(fail(ErrorCode::kUnavailable, "cut"));
    }
    if (at >= content->size()) {
      return on_end({});
    }
    on_chunk({.data = content->substr(at, piece), .total_bytes = total}, [=, this](bool go_on) {
      if (go_on) {
        send(content, at + piece, total, on_chunk, on_end);
      } else {
        on_end(fail(ErrorCode::kCancelled, "cancelled"));
      }
    });
  }
};

struct CacheTest : ::testing::Test, BlobEvents {
  std::string directory = ::testing::TempDir() + "/skerry-cache-" + to_hex(random_bytes(6));
  boost::asio::io_context io;
  SystemClock clock;
  FakeSource source;
  std::vector<Fetched> fetched;
  std::vector<Stored> stored;
  std::unique_ptr<ModelCache> cache;

  CacheTest() {
    std::filesystem::create_directories(directory);
    open(1000);
  }
  ~CacheTest() override { std::filesystem::remove_all(directory); }

  void open(std::uint64_t limit_bytes, Duration give_up = minutes(1)) {
    cache = std::make_unique<ModelCache>(ModelCacheOptions{.directory = directory,
                                                           .limit_bytes = limit_bytes,
                                                           .retry_base = Duration(1),
                                                           .give_up = give_up},
                                         source, *this, clock, io.get_executor(), io.get_executor(),
                                         Random(1), quiet_log());
  }
  std::string offer(const std::string& content) {
    const std::string digest = sha256_digest(content);
    source.blobs[digest] = content;
    return digest;
  }
  void run() {
    io.restart();
    io.run();
  }
  Fetched fetch(const std::string& digest, bool want_bytes = false) {
    cache->fetch(1, digest, want_bytes);
    run();
    return fetched.back();
  }
  bool has_file(const std::string& digest, const char* suffix = "") const {
    return std::filesystem::exists(blob_path(directory, digest) + suffix);
  }

  void blob_fetched(Fetched one) override { fetched.push_back(std::move(one)); }
  void blob_stored(Stored one) override { stored.push_back(std::move(one)); }
  void bandwidth_measured(double) override {}
};

TEST_F(CacheTest, FetchesOnceAndAnswersFromTheFileAfterwards) {
  const std::string digest = offer(std::string(35, 'm'));
  const Fetched first = fetch(digest);
  ASSERT_TRUE(first.status) << first.status.error().message;
  EXPECT_EQ(first.path, blob_path(directory, digest));
  EXPECT_EQ(first.transferred_bytes, 35u);
  const Fetched second = fetch(digest, true);
  EXPECT_EQ(*second.bytes, std::string(35, 'm'));
  EXPECT_EQ(second.took, Duration(0));
  EXPECT_THAT(source.offsets, SizeIs(1));
}

TEST_F(CacheTest, OneDownloadServesAllWhoWaitForIt) {
  const std::string digest = offer("weights");
  cache->fetch(1, digest, false);
  cache->fetch(2, digest, true);
  run();
  EXPECT_THAT(fetched, SizeIs(2));
  EXPECT_THAT(source.offsets, SizeIs(1));
}

TEST_F(CacheTest, AFileThatIsNotTrustedAnyMoreIsCheckedAndFetchedAnew) {
  const std::string digest = offer("the model");
  ASSERT_TRUE(fetch(digest).status);
  cache->distrust(digest);
  EXPECT_EQ(fetch(digest).transferred_bytes, 0u) << "it was as it should be";
  std::ofstream(blob_path(directory, digest)) << "what somebody wrote there";
  EXPECT_EQ(fetch(digest).transferred_bytes, 0u) << "nobody has said so yet";
  cache->distrust(digest);
  const Fetched anew = fetch(digest, true);
  ASSERT_TRUE(anew.status);
  EXPECT_EQ(*anew.bytes, "the model");
  std::filesystem::remove(blob_path(directory, digest));
  cache->distrust(digest);
  EXPECT_EQ(fetch(digest).transferred_bytes, 9u);
  cache->distrust(sha256_digest("never heard of"));
}

TEST_F(CacheTest, GoesOnWhereAnInterruptedDownloadStopped) {
  const std::string digest = offer("0123456789abcdefghijklmnopqrstuvwxyz");
  source.cut_after = 20;
  const Fetched done = fetch(digest, true);
  ASSERT_TRUE(done.status);
  EXPECT_EQ(*done.bytes, source.blobs[digest]);
  EXPECT_THAT(source.offsets, ElementsAre(0, 20));
}

TEST_F(CacheTest, GoesOnBehindThePartOfAnEarlierProcess) {
  const std::string digest = offer("0123456789abcdefghij");
  std::ofstream(blob_path(directory, digest) + ".part") << "01234";
  EXPECT_TRUE(fetch(digest).status);
  EXPECT_THAT(source.offsets, ElementsAre(5));
  EXPECT_FALSE(has_file(digest, ".part"));
}

TEST_F(CacheTest, ADamagedPartIsThrownAwayAndFetchedAnew) {
  const std::string digest = offer("0123456789abcdefghij");
  std::ofstream(blob_path(directory, digest) + ".part") << "XX";
  EXPECT_TRUE(fetch(digest).status);
  EXPECT_THAT(source.offsets, ElementsAre(2, 0));
}

TEST_F(CacheTest, WhatDoesNotHashToItsDigestIsRefused) {
  const std::string digest = sha256_digest("the right bytes");
  source.blobs[digest] = "the wrong bytes";
  const Fetched answer = fetch(digest);
  ASSERT_FALSE(answer.status);
  EXPECT_EQ(answer.status.error().code, ErrorCode::kCorrupt);
  EXPECT_FALSE(has_file(digest));
  EXPECT_FALSE(has_file(digest, ".part"));
}

TEST_F(CacheTest, AFileThatRottedIsNoticedAtItsFirstUseAndFetchedAgain) {
  const std::string digest = offer("good");
  std::ofstream(blob_path(directory, digest)) << "evil";
  open(1000);
  const Fetched answer = fetch(digest, true);
  ASSERT_TRUE(answer.status);
  EXPECT_EQ(*answer.bytes, "good");
}

TEST_F(CacheTest, FilesOfAnEarlierProcessAreUsed) {
  const std::string digest = sha256_digest("kept");
  std::ofstream(blob_path(directory, digest)) << "kept";
  open(1000);
  EXPECT_TRUE(fetch(digest).status);
  EXPECT_THAT(source.offsets, IsEmpty());
}

TEST_F(CacheTest, AnUnreachableSourceIsTriedAgainUntilPatienceEnds) {
  const std::string digest = offer("far away");
  source.unreachable = 3;
  EXPECT_TRUE(fetch(digest).status);
  EXPECT_THAT(source.offsets, SizeIs(4));
  open(1000, Duration(0));
  source.unreachable = 1;
  EXPECT_EQ(fetch(offer("never")).status.error().code, ErrorCode::kUnavailable);
}

TEST_F(CacheTest, NoSuchBlobAndNoDigestFailAtOnce) {
  EXPECT_EQ(fetch(sha256_digest("nowhere")).status.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(fetch("../../etc/passwd").status.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(CacheTest, StaysWithinItsBoundLeastRecentlyUsedFirstButKeepsWhatIsHeld) {
  open(100);
  const std::string held = offer(std::string(40, 'a'));
  const std::string old = offer(std::string(40, 'b'));
  const std::string fresh = offer(std::string(40, 'c'));
  fetch(held);
  fetch(old);
  cache->release(old);
  fetch(fresh);
  EXPECT_TRUE(has_file(held));
  EXPECT_FALSE(has_file(old));
  EXPECT_TRUE(has_file(fresh));
  EXPECT_EQ(cache->size_bytes(), 80u);
  EXPECT_EQ(fetch(offer(std::string(101, 'd'))).status.error().code, ErrorCode::kTooLarge);
}

TEST_F(CacheTest, ResultsAreStoredUnderTheirDigestOnceTheSourceIsThere) {
  source.unreachable = 2;
  cache->store(9, std::make_shared<const std::string>("result"), Master::kController);
  run();
  ASSERT_THAT(stored, SizeIs(1));
  EXPECT_EQ(stored[0].ticket, 9u);
  EXPECT_EQ(*stored[0].digest, sha256_digest("result"));
  EXPECT_EQ(source.uploaded[sha256_digest("result")], "result");
}

}  // namespace
}  // namespace skerry::agent
