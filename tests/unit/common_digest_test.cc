// Tests of what common/digest.h takes from OpenSSL.
#include <gtest/gtest.h>

#include "common/digest.h"

namespace skerry {
namespace {

// Known answers: FIPS 180-2 appendix B.
TEST(Digest, KnownAnswers) {
  EXPECT_EQ(sha256_digest("abc"),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_digest(""),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 hash;
  hash.update("a");
  hash.update("");
  hash.update("bc");
  EXPECT_EQ(hash.finish(), sha256_digest("abc"));
}

TEST(RandomBytes, DifferAndHaveTheirLength) {
  EXPECT_EQ(random_bytes(16).size(), 16u);
  EXPECT_NE(random_bytes(16), random_bytes(16));
}

}  // namespace
}  // namespace skerry
