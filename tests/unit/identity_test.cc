// What the controller signs for nodes, and which nodes are members.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/pki/csr.h"
#include "common/pki/verify.h"
#include "controller/identity/members.h"
#include "controller/identity/registry.h"
#include "tests/unit/temp_folder.h"

namespace skerry::identity {
namespace {

using ::testing::HasSubstr;

constexpr Instant kNow = instant_from_us(1'764'000'000'000'000);

struct Identity : ::testing::Test {
  TempFolder folder;
  Registry registry{*pki::Authorities::open(folder.path("authorities"), "test", kNow)};
  pki::PrivateKey key = pki::PrivateKey::generate();
  std::string csr = pki::make_csr(key);

  Identity() { registry.advertise(":8081"); }

  api::NodePapers papers(std::string_view node = "shop-1", Instant now = kNow) {
    return registry.issue(node, csr, now).value();
  }
};

TEST_F(Identity, AnIssuedCertificateHoldsAgainstTheBundleThatComesWithIt) {
  const auto issued = papers();
  const auto chain = pki::parse_chain(issued.certificate).value();
  const auto bundle = pki::TrustBundle::from_pem(issued.trust_domain, issued.authorities).value();
  EXPECT_TRUE(pki::verify(chain, bundle, pki::Purpose::kNodeConnects, kNow));
  EXPECT_EQ(chain.front().node(), "shop-1");
  EXPECT_EQ(chain.front().key_digest(), registry.key_of(csr).value());
  EXPECT_EQ(issued.expires_at, chain.front().not_after());
  EXPECT_EQ(chain[1].fingerprint(), registry.fingerprint(kNow));
}

TEST_F(Identity, ANodeRenewsWithItsOwnKeyAlsoSomeTimeAfterItsCertificateExpired) {
  const auto old = papers();
  const auto renew = [&](std::string_view node, const std::string& request, Instant now) {
    return registry.key_of_renewal(node, old.certificate, request, now);
  };
  EXPECT_TRUE(renew("shop-1", csr, kNow + hours(12)));
  EXPECT_TRUE(renew("shop-1", csr, kNow + hours(24 * 20)));
  EXPECT_FALSE(renew("shop-1", csr, kNow + hours(24 * 32)));
  EXPECT_EQ(renew("shop-2", csr, kNow).error().code, ErrorCode::kPermissionDenied);
  const std::string foreign = pki::make_csr(pki::PrivateKey::generate());
  EXPECT_EQ(renew("shop-1", foreign, kNow).error().code, ErrorCode::kPermissionDenied);
}

TEST_F(Identity, TheCertificateOfAnotherInstallationRenewsNothing) {
  TempFolder other_folder;
  Registry other{*pki::Authorities::open(other_folder.path("authorities"), "test", kNow)};
  other.advertise(":8081");
  const auto foreign = other.issue("shop-1", csr, kNow).value();
  EXPECT_FALSE(registry.key_of_renewal("shop-1", foreign.certificate, csr, kNow));
}

TEST_F(Identity, TheControllersOwnCertificateIsForItsNames) {
  const auto own =
      registry.controller_identity({.dns_names = {"localhost"}, .addresses = {"127.0.0.1"}}, kNow)
          .value();
  EXPECT_TRUE(
      pki::verify(own.chain, registry.believed(kNow), pki::Purpose::kControllerServes, kNow));
  EXPECT_FALSE(pki::verify(own.chain, registry.believed(kNow), pki::Purpose::kNodeConnects, kNow));
}

TEST(Members, AreKnownByNameAndKeyUntilTheyAreRevoked) {
  Members members;
  EXPECT_THAT(members.check("a", "k").error().message, HasSubstr("enrolled"));
  members.put({.node = "a", .key = "k"});
  EXPECT_TRUE(members.check("a", "k"));
  EXPECT_THAT(members.check("a", "other").error().message, HasSubstr("another key"));
  members.put({.node = "a", .key = "k", .revoked = true});
  EXPECT_THAT(members.check("a", "k").error().message, HasSubstr("revoked"));
}

}  // namespace
}  // namespace skerry::identity
