// What a node keeps of having joined, and when it renews. The way over REST is tested with real programs
// (tests/e2e/security.py).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "agent/membership/joining.h"
#include "agent/membership/rest.h"
#include "common/digest.h"
#include "common/pki/authority.h"

namespace skerry::agent {
namespace {

using testing::HasSubstr;

constexpr Instant kNow = instant_from_us(1'800'000'000'000'000);

struct MembershipTest : testing::Test {
  std::string folder = testing::TempDir() + "membership-" + to_hex(random_bytes(8));
  Papers papers{folder};

  MembershipTest() { std::filesystem::create_directories(folder); }
  ~MembershipTest() override { std::filesystem::remove_all(folder); }

  static pki::TlsIdentity identity(const pki::Authority& authority) {
    pki::PrivateKey key = pki::PrivateKey::generate();
    auto chain = authority.sign_node(key.public_key(), "shop-17", kNow);
    return {.key = std::move(key), .chain = *std::move(chain)};
  }
};

TEST_F(MembershipTest, AMachineThatHasNotJoinedHasNone) {
  EXPECT_EQ(papers.membership().value(), std::nullopt);
  EXPECT_EQ(papers.identity().error().code, ErrorCode::kNotFound);
}

TEST_F(MembershipTest, WhatWasSavedIsReadBackAndTheKeyIsForNobodyElse) {
  const auto authority = pki::Authority::make("skerry", kNow);
  const pki::TlsIdentity own = identity(authority);
  ASSERT_TRUE(papers.save(own, authority.certificate().to_pem()));
  const Membership membership{
      .node = "shop-17", .url = "https://a:1", .ca_file = "/ca.pem", .agents = "a:2"};
  ASSERT_TRUE(papers.save(membership));
  EXPECT_EQ(papers.membership().value(), membership);
  EXPECT_EQ(papers.identity().value().chain.front(), own.chain.front());
  EXPECT_EQ(papers.trust("skerry").value().authorities().size(), 1u);
  const auto modes = std::filesystem::status(papers.identity_file()).permissions();
  EXPECT_EQ(modes & std::filesystem::perms(077), std::filesystem::perms::none);
}

TEST_F(MembershipTest, TheKeyToJoinWithStaysUntilItHasJoined) {
  const auto first = papers.key_to_join();
  ASSERT_TRUE(first);
  EXPECT_EQ(papers.key_to_join().value().public_key(), first->public_key());
  ASSERT_TRUE(papers.save(Membership{.node = "n", .url = "https://a:1", .agents = "a:2"}));
  EXPECT_NE(papers.key_to_join().value().public_key().digest(), first->public_key().digest());
}

TEST_F(MembershipTest, AFileThatIsNoMembershipIsSaidAndNotTakenForNone) {
  std::ofstream(folder + "/membership.json") << R"({"node":"n"})";
  EXPECT_EQ(papers.membership().error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(papers.membership().error().message, HasSubstr("membership.json"));
}

TEST(RenewalTime, IsAroundHalfOfTheLife) {
  const Instant end = kNow + hours(24);
  EXPECT_EQ(renewal_time(kNow, end, 0.5), kNow + hours(12));
  EXPECT_NEAR(to_seconds(since(kNow, renewal_time(kNow, end, 0))), 0.4 * 86400, 1);
  EXPECT_NEAR(to_seconds(since(kNow, renewal_time(kNow, end, 1))), 0.6 * 86400, 1);
}

TEST(Rest, GoesNowhereInPlainTextButToThisMachine) {
  for (const char* url : {"http://192.0.2.1:8080", "http://skerry.example"}) {
    EXPECT_EQ(post(url, "/", "", {}).error().code, ErrorCode::kPermissionDenied) << url;
  }
  for (const char* url : {"", "ftp://a", "https://", "https://:1"}) {
    EXPECT_EQ(post(url, "/", "", {}).error().code, ErrorCode::kInvalidArgument) << url;
  }
  EXPECT_EQ(post("http://127.0.0.1:1", "/", "", {}).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace skerry::agent
