// The link's timing by hand-made examples.

#include "tests/relay/shaper.h"

#include <gtest/gtest.h>

namespace skerry::relay {
namespace {

Shaper shaper(Link link) { return Shaper(link, Random(7)); }

TEST(Shaper, UnlimitedLinkSendsAtOnce) {
  Shaper s = shaper({.delay_s = 0.02});
  EXPECT_EQ(s.reserve(5.0, 1'000'000), 5.0);
  EXPECT_EQ(s.arrival(5.0), 5.02);
}

TEST(Shaper, ChunksOfAllConnectionsQueueForTheSameLink) {
  Shaper s = shaper({.rate_bytes_per_s = 1000});
  EXPECT_DOUBLE_EQ(s.reserve(10.0, 500), 10.5);
  EXPECT_DOUBLE_EQ(s.reserve(10.0, 500), 11.0);
  EXPECT_DOUBLE_EQ(s.reserve(10.2, 100), 11.1);
}

TEST(Shaper, AnIdleLinkDoesNotSaveUpBandwidth) {
  Shaper s = shaper({.rate_bytes_per_s = 1000});
  EXPECT_DOUBLE_EQ(s.reserve(0.0, 100), 0.1);
  EXPECT_DOUBLE_EQ(s.reserve(50.0, 100), 50.1);
}

TEST(Shaper, JitterStaysInItsRangeAndIsNotConstant) {
  Shaper s = shaper({.delay_s = 1, .jitter_s = 0.5});
  double least = 9;
  double most = 0;
  for (int i = 0; i < 200; ++i) {
    const double arrives_s = s.arrival(0);
    EXPECT_GE(arrives_s, 1.0);
    EXPECT_LE(arrives_s, 1.5);
    least = std::min(least, arrives_s);
    most = std::max(most, arrives_s);
  }
  EXPECT_GT(most - least, 0.3);
}

TEST(Shaper, ChunksAreAboutAMillisecondButNeverTinyOrOverTheBuffer) {
  EXPECT_EQ(shaper({.rate_bytes_per_s = 2.5e6}).chunk_bytes(65536), 2500U);
  EXPECT_EQ(shaper({.rate_bytes_per_s = 1000}).chunk_bytes(65536), 1460U);
  EXPECT_EQ(shaper({.rate_bytes_per_s = 1e12}).chunk_bytes(65536), 65536U);
  EXPECT_EQ(shaper({}).chunk_bytes(65536), 65536U);
}

}  // namespace
}  // namespace skerry::relay
