// Tests of the guard on what agents send: what passes, what is added, and what ends a connection.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "common/random.h"
#include "controller/hub/door/http2_guard.h"
#include "http2_frames.h"

namespace skerry::door {
namespace {

const std::string kSecret = "0123456789abcdef0123456789abcdef";
// A literal, never indexed, with a new name (RFC 7541 6.2.3).
const std::string kField = std::string("\x10\x0b") + "skerry-door" + "\x20" + kSecret;
const std::string kBlock = "some header block";

class Guard : public testing::Test {
 protected:
  // What passes of these bytes; a breach fails the test.
  std::string pass(std::string_view bytes) {
    std::string out;
    const auto breach = guard_.pass(bytes, now_, out);
    EXPECT_FALSE(breach) << to_string(*breach);
    return out;
  }
  std::optional<Breach> breach_of(std::string_view bytes) {
    std::string out;
    return guard_.pass(bytes, now_, out);
  }
  void begin() { pass(beginning()); }
  // How many of a frame pass at once before it is a breach, which must be this one.
  int passes(const std::string& one, Breach expected) {
    for (int count = 0; count < 1'000'000; ++count) {
      if (const auto breach = breach_of(one)) {
        EXPECT_EQ(*breach, expected) << to_string(*breach);
        return count;
      }
    }
    ADD_FAILURE() << "it never ends";
    return 0;
  }

  FrameLimits limits_;
  Http2Guard guard_{limits_, kSecret};
  Instant now_ = instant_from_us(1'000'000'000);
};

TEST_F(Guard, PassesOnWhatAnAgentSendsAndAddsTheCallersField) {
  EXPECT_FALSE(guard_.has_begun());
  EXPECT_EQ(pass(beginning()), beginning());
  EXPECT_TRUE(guard_.has_begun());
  EXPECT_EQ(pass(frame(kHeaders, kEndHeaders, 1, kBlock)),
            frame(kHeaders, kEndHeaders, 1, kBlock + kField));
  const std::string rest = frame(kData, 0, 1, std::string(1000, 'x')) +
                           frame(kWindowUpdate, 0, 0, std::string(4, '\1')) +
                           frame(kPing, 0, 0, std::string(8, 'p')) + frame(kSettings, 1, 0, "") +
                           frame(kReset, 0, 1, std::string(4, '\0')) +
                           frame(kGoaway, 0, 0, std::string(8, '\0'));
  EXPECT_EQ(pass(rest), rest);
}

TEST_F(Guard, PassesTheSameHoweverTheBytesAreCut) {
  const std::string all = beginning() + frame(kHeaders, 0, 1, kBlock) +
                          frame(kContinuation, kEndHeaders, 1, kBlock) +
                          frame(kData, kEndStream, 1, std::string(300, 'd')) +
                          frame(kHeaders, kEndHeaders, 3, "") + frame(kSettings, 1, 0, "");
  const std::string expected = pass(all);
  Random random(7);
  for (int round = 0; round < 200; ++round) {
    Http2Guard guard(limits_, kSecret);
    std::string out;
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t size = 1 + random.below(round < 100 ? 3 : 40);
      ASSERT_FALSE(guard.pass(std::string_view(all).substr(at, size), now_, out));
      at += size;
    }
    ASSERT_EQ(out, expected);
  }
}

TEST_F(Guard, AddsTheFieldBehindTheLastContinuationAndToTheFirstBlockOfAStreamOnly) {
  begin();
  EXPECT_EQ(pass(frame(kHeaders, 0, 1, "a") + frame(kContinuation, 0, 1, "b") +
                 frame(kContinuation, kEndHeaders, 1, "c")),
            frame(kHeaders, 0, 1, "a") + frame(kContinuation, 0, 1, "b") +
                frame(kContinuation, kEndHeaders, 1, "c" + kField));
  const std::string trailers = frame(kHeaders, kEndHeaders | kEndStream, 1, "t");
  EXPECT_EQ(pass(trailers), trailers);
  const std::string older = frame(kHeaders, kEndHeaders, 1, "a stream that is older");
  pass(frame(kHeaders, kEndHeaders, 9, "x"));
  EXPECT_EQ(pass(older), older);
}

TEST_F(Guard, AddsTheFieldToAnEmptyBlock) {
  begin();
  EXPECT_EQ(pass(frame(kHeaders, kEndHeaders, 1, "")), frame(kHeaders, kEndHeaders, 1, kField));
}

TEST_F(Guard, WhatDoesNotBeginAsHttp2IsABreachFromTheFirstByteOn) {
  for (const std::string_view bytes :
       {"GET / HTTP/1.1\r\n", "X", "PRI * HTTP/2.0\r\n\r\nSX", "\x16\x03\x01"}) {
    Http2Guard guard(limits_, kSecret);
    std::string out;
    EXPECT_EQ(guard.pass(bytes, now_, out), Breach::kPreface) << bytes;
  }
}

TEST_F(Guard, TheFirstFrameMustBeSettings) {
  for (const std::string& first :
       {frame(kHeaders, kEndHeaders, 1, kBlock), frame(kPing, 0, 0, std::string(8, 'p')),
        frame(kSettings, 1, 0, ""), frame(kData, 0, 1, "x")}) {
    Http2Guard guard(limits_, kSecret);
    std::string out;
    EXPECT_EQ(guard.pass(std::string(kPreface) + first, now_, out), Breach::kPreface);
    EXPECT_EQ(out, kPreface);
  }
}

TEST_F(Guard, FramesThatNoClientSendsAreABreach) {
  for (const std::string& bytes :
       {frame(kPushPromise, kEndHeaders, 1, "x"), frame(10, 0, 0, "altsvc"), frame(200, 0, 0, "x"),
        frame(kContinuation, kEndHeaders, 1, "of nothing"), frame(kData, 0, 0, "of no stream"),
        frame(kHeaders, kEndHeaders, 0, kBlock), frame(kHeaders, kEndHeaders, 2, kBlock),
        frame(kHeaders, kEndHeaders | kPadded, 1, std::string(1, '\0') + kBlock),
        frame(kData, kPadded, 1, std::string(1, '\0') + "x"),
        frame(kHeaders, 0, 1, kBlock) + frame(kData, 0, 1, "within a block"),
        frame(kHeaders, 0, 1, kBlock) + frame(kHeaders, kEndHeaders, 3, kBlock),
        frame(kHeaders, 0, 1, kBlock) + frame(kContinuation, kEndHeaders, 3, "another's"),
        frame(kHeaders, 0, 1, kBlock) + frame(kPing, 0, 0, std::string(8, 'p'))}) {
    Http2Guard guard(limits_, kSecret);
    std::string out;
    ASSERT_FALSE(guard.pass(beginning(), now_, out));
    EXPECT_EQ(guard.pass(bytes, now_, out), Breach::kProtocol) << static_cast<int>(bytes[3]);
  }
}

TEST_F(Guard, AGiantFrameIsABreachBeforeItsPayload) {
  begin();
  EXPECT_FALSE(breach_of(frame(kData, 0, 1, std::string(limits_.frame_bytes, 'x'))));
  const std::string giant = frame(kData, 0, 1, std::string(limits_.frame_bytes + 1, 'x'));
  EXPECT_EQ(breach_of(giant.substr(0, 9)), Breach::kFrameSize);
}

TEST_F(Guard, GiantSettingsAreABreach) {
  begin();
  EXPECT_FALSE(breach_of(frame(kSettings, 0, 0, std::string(limits_.settings_bytes, '\0'))));
  EXPECT_EQ(breach_of(frame(kSettings, 0, 0, std::string(limits_.settings_bytes + 1, '\0'))),
            Breach::kFrameSize);
}

TEST_F(Guard, AHeaderBlockOfTooManyBytesIsABreachHoweverItIsCut) {
  const std::string half(limits_.header_block_bytes / 2 + 1, 'h');
  for (const std::string& bytes :
       {frame(kHeaders, kEndHeaders, 1, half + half),
        frame(kHeaders, 0, 1, half) + frame(kContinuation, kEndHeaders, 1, half)}) {
    Http2Guard guard(limits_, kSecret);
    std::string out;
    ASSERT_FALSE(guard.pass(beginning(), now_, out));
    EXPECT_EQ(guard.pass(bytes, now_, out), Breach::kHeaderBlock);
  }
  // What passes still fits a frame with the field.
  EXPECT_LE(limits_.header_block_bytes + kField.size(), limits_.frame_bytes);
}

TEST_F(Guard, ContinuationsWithoutEndAreABreachEvenEmptyOnes) {
  begin();
  pass(frame(kHeaders, 0, 1, ""));
  EXPECT_EQ(passes(frame(kContinuation, 0, 1, ""), Breach::kHeaderBlock),
            static_cast<int>(limits_.continuations));
}

TEST_F(Guard, FloodsOfEveryKindAreABreach) {
  struct Flood {
    const char* name;
    std::function<std::string(std::uint32_t)> frame_of;
    Rate rate;
    Breach breach;
  };
  const std::string eight(8, '\0');
  const std::vector<Flood> floods = {
      {"streams", [](std::uint32_t i) { return frame(kHeaders, kEndHeaders, 2 * i + 1, "h"); },
       limits_.header_blocks, Breach::kHeaderBlocks},
      {"trailers", [](std::uint32_t) { return frame(kHeaders, kEndHeaders, 1, "h"); },
       limits_.header_blocks, Breach::kHeaderBlocks},
      {"resets", [](std::uint32_t i) { return frame(kReset, 0, 2 * i + 1, std::string(4, '\0')); },
       limits_.resets, Breach::kResets},
      {"settings", [](std::uint32_t) { return frame(kSettings, 0, 0, ""); }, limits_.settings,
       Breach::kSettings},
      {"acks", [](std::uint32_t) { return frame(kSettings, 1, 0, ""); }, limits_.settings,
       Breach::kSettings},
      {"goaways", [&](std::uint32_t) { return frame(kGoaway, 0, 0, eight); }, limits_.settings,
       Breach::kSettings},
      {"pings", [&](std::uint32_t) { return frame(kPing, 0, 0, eight); }, limits_.pings,
       Breach::kPings},
      {"priorities", [](std::uint32_t) { return frame(kPriority, 0, 1, std::string(5, '\0')); },
       limits_.priorities, Breach::kPriorities},
      {"updates", [](std::uint32_t) { return frame(kWindowUpdate, 0, 0, std::string(4, '\1')); },
       limits_.window_updates, Breach::kWindowUpdates},
      {"empty data", [](std::uint32_t) { return frame(kData, 0, 1, ""); }, limits_.small_data,
       Breach::kSmallData},
      {"small data", [](std::uint32_t) { return frame(kData, 0, 1, "x"); }, limits_.small_data,
       Breach::kSmallData}};
  for (const Flood& flood : floods) {
    Http2Guard guard(limits_, kSecret);
    std::string out;
    ASSERT_FALSE(guard.pass(beginning(), now_, out));
    std::uint32_t count = 0;
    std::optional<Breach> breach;
    while (!breach && count < 100'000) {
      breach = guard.pass(flood.frame_of(count++), now_, out);
    }
    ASSERT_TRUE(breach) << flood.name;
    EXPECT_EQ(*breach, flood.breach) << flood.name;
    EXPECT_LE(count, flood.rate.burst + 1) << flood.name;
    EXPECT_GE(count, flood.rate.burst - 1) << flood.name;  // the first settings count
  }
}

TEST_F(Guard, WhatKeepsToTheRatesGoesOnForEver) {
  begin();
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    now_ += milliseconds(25);
    pass(frame(kHeaders, kEndHeaders, 2 * i + 1, "h") + frame(kData, kEndStream, 2 * i + 1, "x"));
    pass(frame(kPing, 0, 0, std::string(8, 'p')) + frame(kReset, 0, 2 * i + 1, std::string(4, 0)));
  }
}

TEST_F(Guard, SaysWhenItIsToBeReadMoreSlowly) {
  begin();
  EXPECT_FALSE(guard_.is_too_fast());
  const std::string data = frame(kData, 0, 1, std::string(limits_.small_data_bytes, 'x'));
  std::string many;
  for (int i = 0; i < 1000; ++i) {
    many += data;
  }
  for (int i = 0; i < 101; ++i) {
    pass(many);
  }
  EXPECT_TRUE(guard_.is_too_fast());
  now_ += seconds(1);
  pass(data);
  EXPECT_FALSE(guard_.is_too_fast());
}

TEST_F(Guard, IsActiveWithCallsAndDataAndNotWithPings) {
  begin();
  const Instant began = now_;
  EXPECT_EQ(guard_.last_active(), began);
  now_ += seconds(1);
  pass(frame(kPing, 0, 0, std::string(8, 'p')));
  EXPECT_EQ(guard_.last_active(), began);
  pass(frame(kData, 0, 1, "x"));
  EXPECT_EQ(guard_.last_active(), now_);
  now_ += seconds(1);
  pass(frame(kHeaders, kEndHeaders, 3, "x"));
  EXPECT_EQ(guard_.last_active(), now_);
}

// Whatever comes: no more passes than came and the fields, and nothing after a breach is asked for.
TEST_F(Guard, SurvivesNoise) {
  Random random(11);
  for (int round = 0; round < 2000; ++round) {
    Http2Guard guard(limits_, kSecret);
    std::string out;
    ASSERT_FALSE(guard.pass(beginning(), now_, out));
    std::string noise;
    const std::size_t frames = random.below(40);
    for (std::size_t i = 0; i < frames; ++i) {
      noise += frame(
          static_cast<std::uint8_t>(random.below(11)), static_cast<std::uint8_t>(random.next_u64()),
          static_cast<std::uint32_t>(random.below(8)), std::string(random.below(100), 'n'));
    }
    if (random.chance(0.5)) {
      for (int i = 0; i < 5 && !noise.empty(); ++i) {
        noise[random.below(noise.size())] = static_cast<char>(random.next_u64());
      }
    }
    out.clear();
    guard.pass(noise, now_, out);
    EXPECT_LE(out.size(), noise.size() + frames * kField.size());
  }
}

TEST(Watch, SeesDataAndCallsHoweverTheBytesAreCut) {
  const std::string quiet = frame(kSettings, 0, 0, std::string(12, '\0')) +
                            frame(kPing, 0, 0, std::string(8, '\0')) +
                            frame(kWindowUpdate, 0, 0, std::string(4, '\1'));
  Http2Watch watch;
  for (const char byte : quiet + quiet) {
    EXPECT_FALSE(watch.sees_activity({&byte, 1}));
  }
  EXPECT_TRUE(watch.sees_activity(quiet + frame(kData, 0, 1, "x")));
  EXPECT_FALSE(watch.sees_activity(quiet));
  EXPECT_TRUE(watch.sees_activity(frame(kHeaders, kEndHeaders, 1, std::string(500, '\0'))));
  EXPECT_FALSE(watch.sees_activity(quiet));
}

}  // namespace
}  // namespace skerry::door
