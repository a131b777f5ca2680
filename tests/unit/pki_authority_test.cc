// Tests of what an authority signs, and what it refuses to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include <set>

#include "common/pki/authority.h"
#include "common/pki/verify.h"
#include "pki_forge.h"

namespace skerry::pki {
namespace {

using testing::HasSubstr;

class AuthorityTest : public testing::Test {
 protected:
  const Authority authority_ = Authority::make("test.skerry", kNow);
  const PublicKey key_ = PrivateKey::generate().public_key();
};

TEST_F(AuthorityTest, SignsANodeForADay) {
  const auto chain = authority_.sign_node(key_, "edge-1", kNow);
  ASSERT_TRUE(chain) << chain.error().message;
  ASSERT_EQ(chain->size(), 2u);
  const Certificate& leaf = chain->front();
  EXPECT_EQ(leaf.id().uri(), "spiffe://test.skerry/node/edge-1");
  EXPECT_EQ(leaf.not_after() - kNow, hours(24));
  EXPECT_EQ(X509_get_key_usage(leaf.native()), std::uint32_t{KU_DIGITAL_SIGNATURE});
  EXPECT_EQ(X509_get_extended_key_usage(leaf.native()), std::uint32_t{XKU_SSL_CLIENT});
  EXPECT_EQ(leaf.key_digest(), key_.digest());
}

TEST_F(AuthorityTest, SignsTheControllerForItsNamesAndNoOthers) {
  const auto chain = authority_.sign_controller(
      key_, {.dns_names = {"skerry.example.com"}, .addresses = {"192.0.2.1", "2001:db8::1"}}, kNow);
  ASSERT_TRUE(chain) << chain.error().message;
  const Certificate& leaf = chain->front();
  EXPECT_EQ(leaf.role(), Role::kController);
  EXPECT_EQ(X509_get_extended_key_usage(leaf.native()), std::uint32_t{XKU_SSL_SERVER});
  EXPECT_EQ(X509_check_host(leaf.native(), "skerry.example.com", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(leaf.native(), "192.0.2.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(leaf.native(), "2001:db8::1", 0), 1);
  EXPECT_NE(X509_check_host(leaf.native(), "evil.example.com", 0, 0, nullptr), 1);
  EXPECT_NE(X509_check_host(leaf.native(), "controller", 0, 0, nullptr), 1);
}

TEST_F(AuthorityTest, RefusesNamesThatAreNone) {
  for (const char* node : {"", "EDGE", "a/b", "edge-1\n", "../controller", "-edge", "a b"}) {
    EXPECT_FALSE(authority_.sign_node(key_, node, kNow)) << node;
  }
  EXPECT_FALSE(authority_.sign_node(key_, std::string(64, 'a'), kNow));
  EXPECT_FALSE(authority_.sign_node(key_, std::string_view("edge-1\0x", 8), kNow));
  for (const char* name : {"", "*", "*.example.com", "a,DNS:evil.example.com", "a b", "a\n", ".a",
                           "a..b", "spiffe://x"}) {
    EXPECT_FALSE(authority_.sign_controller(key_, {.dns_names = {name}}, kNow)) << name;
  }
  for (const char* address : {"", "1.2.3", "1.2.3.4.5", "::g", "localhost", "1.2.3.4,IP:5.6.7.8"}) {
    EXPECT_FALSE(authority_.sign_controller(key_, {.addresses = {address}}, kNow)) << address;
  }
  EXPECT_FALSE(authority_.sign_controller(
      key_, {.dns_names = std::vector<std::string>(65, "a.example.com")}, kNow));
}

TEST_F(AuthorityTest, RefusesALifeThatIsTooLongOrNone) {
  for (const Duration life :
       {Duration(0), Duration(seconds(59)), kLongestLife + seconds(1), Duration(-hours(1))}) {
    const auto chain = authority_.sign_node(key_, "edge-1", kNow, life);
    ASSERT_FALSE(chain);
    EXPECT_EQ(chain.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(authority_.sign_node(key_, "edge-1", kNow, kLongestLife));
}

TEST_F(AuthorityTest, SignsNothingOutsideOfItsOwnTime) {
  const Certificate& own = authority_.certificate();
  EXPECT_FALSE(authority_.sign_node(key_, "edge-1", own.not_before() - seconds(1)));
  const auto late = authority_.sign_node(key_, "edge-1", own.not_after());
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().message, HasSubstr("rotate"));
  const auto last = authority_.sign_node(key_, "edge-1", own.not_after() - hours(1));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->front().not_after(), own.not_after());
}

TEST_F(AuthorityTest, GivesEveryCertificateASerialOf128RandomBits) {
  std::set<std::string> serials;
  for (int i = 0; i < 200; ++i) {
    const std::string serial = authority_.sign_node(key_, "edge-1", kNow)->front().serial();
    EXPECT_GE(serial.size(), 24u);  // shorter once in 2^32
    EXPECT_LE(serial.size(), 32u);
    EXPECT_TRUE(serials.insert(serial).second);
  }
}

TEST_F(AuthorityTest, MayHaveNoAuthorityBelowIt) {
  const Certificate& own = authority_.certificate();
  EXPECT_EQ(own.role(), Role::kAuthority);
  EXPECT_EQ(X509_get_pathlen(own.native()), 0);
  EXPECT_EQ(own.not_after() - kNow, kAuthorityLife);
}

TEST_F(AuthorityTest, IsMadeAgainFromItsKeyAndChain) {
  const auto again = Authority::of("test.skerry", authority_.key(), authority_.chain());
  ASSERT_TRUE(again) << again.error().message;
  const TrustBundle bundle = *TrustBundle::make("test.skerry", {authority_.certificate()});
  const Chain chain = *again->sign_node(key_, "edge-1", kNow);
  EXPECT_TRUE(verify(chain, bundle, Purpose::kNodeConnects, kNow));
}

TEST_F(AuthorityTest, NeedsTheKeyOfItsCertificateAndTheRightToSign) {
  EXPECT_FALSE(Authority::of("test.skerry", PrivateKey::generate(), authority_.chain()));
  const PrivateKey node_key = PrivateKey::generate();
  const Chain node = *authority_.sign_node(node_key.public_key(), "edge-1", kNow);
  EXPECT_FALSE(Authority::of("test.skerry", node_key, node));
  EXPECT_FALSE(Authority::of("test.skerry", authority_.key(), {}));
}

// A company's root above, with an RSA key; ours is the intermediate.
TEST(GivenAuthority, IsBelievedForItselfAndItsRootVouchesForNobodyElse) {
  const Forged root = forge(authority_plan(), rsa_key());
  const PrivateKey key = PrivateKey::generate();
  const auto shared_key = as_issuer(root.certificate(), key).key;
  const Forged ours = forge(authority_plan("critical,CA:TRUE,pathlen:0"), shared_key, &root);
  const auto authority =
      Authority::of("test.skerry", key, {ours.certificate(), root.certificate()});
  ASSERT_TRUE(authority) << authority.error().message;
  const TrustBundle bundle = *TrustBundle::make("test.skerry", {ours.certificate()});
  const PublicKey node_key = PrivateKey::generate().public_key();
  const auto chain = authority->sign_node(node_key, "edge-1", kNow);
  ASSERT_TRUE(chain) << chain.error().message;
  EXPECT_EQ(chain->size(), 3u);
  const Status verified = verify(*chain, bundle, Purpose::kNodeConnects, kNow);
  EXPECT_TRUE(verified) << verified.error().message;

  const Forged sibling = forge(authority_plan("critical,CA:TRUE,pathlen:0"), p256_key(), &root);
  const Forged theirs = forge({}, p256_key(), &sibling);
  EXPECT_FALSE(verify(Chain{theirs.certificate(), sibling.certificate(), root.certificate()},
                      bundle, Purpose::kNodeConnects, kNow));
}

}  // namespace
}  // namespace skerry::pki
