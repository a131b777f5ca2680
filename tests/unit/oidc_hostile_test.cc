// Hostile tokens: the tables of auth_hostile_tokens.h, and every small change of good tokens. None is accepted, by anybody.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/oidc_hostile_tokens.h"
#include "tests/unit/oidc_keys.h"

namespace skerry::oidc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const TestIssuer& issuer() { return TestIssuer::get(); }

void expect_refused(const std::vector<HostileToken>& tokens) {
  for (const HostileToken& hostile : tokens) {
    const auto claims = issuer().verify(hostile.token);
    ASSERT_FALSE(claims) << hostile.name;
    EXPECT_EQ(claims.error().code, ErrorCode::kUnauthenticated) << hostile.name;
    EXPECT_THAT(claims.error().message, HasSubstr(hostile.why)) << hostile.name;
  }
}

TEST(HostileToken, Algorithms) { expect_refused(hostile_algorithms()); }
TEST(HostileToken, Signatures) { expect_refused(hostile_signatures()); }
TEST(HostileToken, KeyIds) { expect_refused(hostile_key_ids()); }
TEST(HostileToken, Headers) { expect_refused(hostile_headers()); }
TEST(HostileToken, Shapes) { expect_refused(hostile_shapes()); }
TEST(HostileToken, Claims) { expect_refused(hostile_claims()); }
TEST(HostileToken, Times) { expect_refused(hostile_times()); }
TEST(HostileToken, Documents) { expect_refused(hostile_documents()); }

TEST(HostileToken, ThereAreManyAndEachIsOne) {
  std::set<std::string> names;
  for (const auto& table :
       {hostile_algorithms(), hostile_signatures(), hostile_key_ids(), hostile_headers(),
        hostile_shapes(), hostile_claims(), hostile_times(), hostile_documents()}) {
    for (const HostileToken& hostile : table) {
      EXPECT_TRUE(names.insert(hostile.name).second) << "two are called " << hostile.name;
    }
  }
  EXPECT_GE(names.size(), 300u);
  RecordProperty("vectors", static_cast<int>(names.size()));
}

// A good token of each algorithm.
std::vector<std::string> good_tokens() {
  return {issuer().token_by(issuer().rsa, "rsa-1"), issuer().token_by(issuer().p256, "p256-1"),
          issuer().token()};
}

TEST(HostileToken, NoBitOfAGoodTokenMayBeAnother) {
  for (const std::string& good : good_tokens()) {
    ASSERT_TRUE(issuer().verify(good));
    for (std::size_t at = 0; at < good.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string flipped = good;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
        ASSERT_FALSE(issuer().verify(flipped)) << at << ", bit " << bit;
      }
    }
  }
}

TEST(HostileToken, NoByteOfAGoodTokenMayBeMissingOrTwice) {
  for (const std::string& good : good_tokens()) {
    for (std::size_t at = 0; at < good.size(); ++at) {
      ASSERT_FALSE(issuer().verify(good.substr(0, at))) << "cut at " << at;
      ASSERT_FALSE(issuer().verify(good.substr(at + 1))) << "from " << at + 1;
      ASSERT_FALSE(issuer().verify(std::string(good).erase(at, 1))) << "without " << at;
      ASSERT_FALSE(issuer().verify(std::string(good).insert(at, 1, good[at]))) << "twice " << at;
    }
  }
}

TEST(HostileToken, PartsOfTwoGoodTokensMakeNoThird) {
  const std::string a = issuer().token({{"sub", "a"}});
  const std::string b = issuer().token({{"sub", "b"}});
  ASSERT_TRUE(issuer().verify(a) && issuer().verify(b));
  EXPECT_FALSE(issuer().verify(a.substr(0, a.rfind('.')) + b.substr(b.rfind('.'))));
}

TEST(HostileToken, WithoutKeysNothingIsAccepted) {
  for (const std::string& good : good_tokens()) {
    const auto claims = verify(good, KeySet{}, issuer().rules, TestIssuer::kNow);
    ASSERT_FALSE(claims);
    EXPECT_THAT(claims.error().message, HasSubstr("no key of this id"));
  }
}

TEST(HostileToken, RefusalsRepeatNothingOfTheToken) {
  const auto claims = issuer().verify(
      issuer().token_with_header(R"({"alg":"secret","kid":"ed25519-1","secret":"secret"})"));
  ASSERT_FALSE(claims);
  EXPECT_THAT(claims.error().message, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace skerry::oidc
