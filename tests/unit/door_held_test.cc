// Tests of small window updates that travel with what comes after them.

#include <gtest/gtest.h>

#include "controller/hub/door/held_updates.h"
#include "tests/unit/http2_frames.h"

namespace skerry::door {
namespace {

std::string update(std::uint32_t stream, std::uint32_t increment) {
  std::string payload;
  for (int shift = 24; shift >= 0; shift -= 8) {
    payload += static_cast<char>(increment >> shift);
  }
  return frame(kWindowUpdate, 0, stream, payload);
}

TEST(HeldUpdates, HoldsSmallOnesOfStreamsAndConnectionInOrder) {
  HeldUpdates held;
  EXPECT_TRUE(held.hold(update(1, 450) + update(0, 450)));
  EXPECT_TRUE(held.hold(update(3, 7)));
  EXPECT_EQ(held.take(), update(1, 450) + update(0, 450) + update(3, 7));
  EXPECT_EQ(held.take(), "");
}

TEST(HeldUpdates, HoldsNothingThatSomebodyWaitsFor) {
  HeldUpdates held;
  EXPECT_FALSE(held.hold(frame(kPing, 0, 0, "12345678")));
  EXPECT_FALSE(held.hold(update(1, 450) + frame(kData, 0, 1, "x")));
  EXPECT_FALSE(held.hold(update(1, 450).substr(0, 12)));
  EXPECT_FALSE(held.hold(update(1, HeldUpdates::kMostCredit + 1)));
  EXPECT_FALSE(held.hold(update(1, 0x7fff'ffff) + update(0, 0x7fff'ffff)));
  EXPECT_EQ(held.bytes(), "");
}

TEST(HeldUpdates, HoldsNoMoreThanASmallPartOfAWindow) {
  HeldUpdates held;
  std::uint64_t credit = 0;
  while (held.hold(update(1, 3000))) {
    credit += 3000;
  }
  EXPECT_LE(credit, HeldUpdates::kMostCredit);
  EXPECT_GT(credit + 3000, HeldUpdates::kMostCredit);
  held.take();
  EXPECT_TRUE(held.hold(update(1, 3000)));  // what went no longer counts
  held.drop(13);
  std::size_t frames = 0;
  while (held.hold(update(1, 1))) {
    ++frames;
  }
  EXPECT_LE(frames * 13, HeldUpdates::kMostBytes);
}

TEST(HeldUpdates, KeepsWhatHasNotGoneYet) {
  HeldUpdates held;
  held.hold(update(1, 1) + update(1, 2));
  held.drop(4);
  EXPECT_EQ(held.bytes(), (update(1, 1) + update(1, 2)).substr(4));
  held.hold(update(1, 3));
  EXPECT_EQ(held.take(), (update(1, 1) + update(1, 2)).substr(4) + update(1, 3));
}

}  // namespace
}  // namespace skerry::door
