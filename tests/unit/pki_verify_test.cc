// Tests of who is believed and who is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "common/pki/authority.h"
#include "common/pki/trust.h"
#include "common/pki/verify.h"
#include "pki_forge.h"

namespace skerry::pki {
namespace {

using testing::HasSubstr;

constexpr const char* kDomain = "test.skerry";

class Verify : public testing::Test {
 protected:
  TrustBundle bundle() const { return *TrustBundle::make(kDomain, {authority_.certificate()}); }
  Chain node_chain(Instant now = kNow, Duration life = kNodeLife) const {
    return *authority_.sign_node(key_.public_key(), "edge-1", now, life);
  }
  Chain controller_chain() const {
    return *authority_.sign_controller(key_.public_key(), {.dns_names = {"skerry.example.com"}},
                                       kNow);
  }
  // What our own authority's key could sign, if somebody had it sign anything.
  Chain forged_chain(const Forgery& plan) const {
    return {forge(plan, p256_key(), &issuer_).certificate(), authority_.certificate()};
  }
  // The refusal of a chain, which must be one.
  std::string refusal(const Chain& chain, Purpose purpose = Purpose::kNodeConnects,
                      Instant now = kNow) const {
    const Status verified = verify(chain, bundle(), purpose, now);
    if (verified) {
      return "it is believed";
    }
    EXPECT_EQ(verified.error().code, ErrorCode::kUnauthenticated);
    return verified.error().message;
  }
  void expect_believed(const Chain& chain, Purpose purpose, Instant now = kNow) const {
    const Status verified = verify(chain, bundle(), purpose, now);
    EXPECT_TRUE(verified) << verified.error().message;
  }

  const Authority authority_ = Authority::make(kDomain, kNow);
  const PrivateKey key_ = PrivateKey::generate();
  const Forged issuer_ = as_issuer(authority_.certificate(), authority_.key());
};

TEST_F(Verify, BelievesANodeAndAController) {
  expect_believed(node_chain(), Purpose::kNodeConnects);
  expect_believed(controller_chain(), Purpose::kControllerServes);
  expect_believed({node_chain().front()}, Purpose::kNodeConnects);
}

TEST_F(Verify, TheForgeriesBelowWouldBeBelievedButForTheirOneFault) {
  expect_believed(forged_chain({}), Purpose::kNodeConnects);
}

TEST_F(Verify, BelievesNobodyForAnothersPurpose) {
  EXPECT_THAT(refusal(node_chain(), Purpose::kControllerServes), HasSubstr("is not for this use"));
  EXPECT_THAT(refusal(controller_chain(), Purpose::kNodeConnects),
              HasSubstr("is not for this use"));
  EXPECT_THAT(refusal(controller_chain(), Purpose::kNodeRenews), HasSubstr("is not for this use"));
}

TEST_F(Verify, RefusesAUsageThatIsWrongMissingOrMoreThanAsked) {
  EXPECT_THAT(refusal(forged_chain({.extended_usage = "serverAuth"})),
              HasSubstr("not for this use"));
  EXPECT_THAT(refusal(forged_chain({.extended_usage = ""})), HasSubstr("clientAuth and nothing"));
  EXPECT_THAT(refusal(forged_chain({.extended_usage = "clientAuth,serverAuth"})),
              HasSubstr("clientAuth and nothing"));
  EXPECT_THAT(refusal(forged_chain({.extended_usage = "anyExtendedKeyUsage"})),
              HasSubstr("not for this use"));
  EXPECT_THAT(refusal(forged_chain({.usage = "critical,keyEncipherment"})),
              HasSubstr("not for this use"));
}

TEST_F(Verify, RefusesTheRoleOfAnotherWhateverItsUsage) {
  EXPECT_THAT(refusal(forged_chain({.names = "URI:spiffe://test.skerry/controller"})),
              HasSubstr("is no node's"));
  EXPECT_THAT(refusal(forged_chain({.extended_usage = "serverAuth"}), Purpose::kControllerServes),
              HasSubstr("is no controller's"));
}

TEST_F(Verify, RefusesAnotherInstallation) {
  EXPECT_THAT(refusal(forged_chain({.names = "URI:spiffe://other/node/edge-1"})),
              HasSubstr("of another installation"));
}

TEST_F(Verify, RefusesWhatAnotherAuthoritySigned) {
  const Authority other = Authority::make(kDomain, kNow);
  const Chain theirs = *other.sign_node(key_.public_key(), "edge-1", kNow);
  EXPECT_THAT(refusal(theirs), HasSubstr("not trusted here"));
  EXPECT_THAT(refusal({theirs.front()}), HasSubstr("not trusted here"));
  // With our authority's certificate beside it instead.
  EXPECT_THAT(refusal({theirs.front(), authority_.certificate()}), HasSubstr("not trusted here"));
}

TEST_F(Verify, RefusesAnAuthorityThatOnlyHasTheNameOfOurs) {
  Forgery plan = authority_plan();
  const Forged impostor = forge(plan, p256_key());
  X509_set_subject_name(impostor.native.get(),
                        X509_get_subject_name(authority_.certificate().native()));
  const Forged leaf = forge({}, p256_key(), &impostor);
  const Status verified = verify(Chain{leaf.certificate()}, bundle(), Purpose::kNodeConnects, kNow);
  ASSERT_FALSE(verified);
}

TEST_F(Verify, RefusesWhatSignsItself) {
  const Forged alone = forge({}, p256_key());
  EXPECT_THAT(refusal({alone.certificate()}), HasSubstr("not trusted here"));
}

TEST_F(Verify, RefusesTheAuthorityItselfAsAPeer) {
  EXPECT_THAT(refusal({authority_.certificate()}), testing::Not(HasSubstr("believed")));
  EXPECT_THAT(refusal({authority_.certificate()}, Purpose::kControllerServes),
              testing::Not(HasSubstr("believed")));
}

TEST_F(Verify, RefusesBeforeAndAfterItsTimeToTheSecond) {
  const Chain chain = node_chain();
  const Certificate& leaf = chain.front();
  expect_believed(chain, Purpose::kNodeConnects, leaf.not_before());
  expect_believed(chain, Purpose::kNodeConnects, leaf.not_after() - seconds(1));
  EXPECT_THAT(refusal(chain, Purpose::kNodeConnects, leaf.not_before() - seconds(1)),
              HasSubstr("compare the clocks"));
  EXPECT_THAT(refusal(chain, Purpose::kNodeConnects, leaf.not_after()),
              HasSubstr("expired at 2026-01-02T00:00:00Z"));
}

TEST_F(Verify, LetsANodeRenewForThirtyDaysAfterItsCertificateExpired) {
  const Chain chain = node_chain();
  const Instant end = chain.front().not_after();
  expect_believed(chain, Purpose::kNodeRenews, kNow);
  expect_believed(chain, Purpose::kNodeRenews, end);
  expect_believed(chain, Purpose::kNodeRenews, end + kRenewalGrace);
  EXPECT_THAT(refusal(chain, Purpose::kNodeRenews, end + kRenewalGrace + seconds(1)),
              HasSubstr("expired"));
  EXPECT_THAT(refusal(chain, Purpose::kNodeConnects, end + hours(1)), HasSubstr("joins again"));
  EXPECT_THAT(refusal(chain, Purpose::kNodeRenews, chain.front().not_before() - seconds(1)),
              HasSubstr("compare the clocks"));
}

TEST_F(Verify, TheGraceForgivesNothingButTheTime) {
  const Authority other = Authority::make(kDomain, kNow);
  const Chain theirs = *other.sign_node(key_.public_key(), "edge-1", kNow);
  EXPECT_THAT(refusal(theirs, Purpose::kNodeRenews, theirs.front().not_after() + hours(1)),
              HasSubstr("not trusted here"));
}

TEST_F(Verify, RefusesAnAuthorityThatHasExpired) {
  const Authority brief = Authority::make(kDomain, kNow, hours(2));
  const Chain chain = *brief.sign_node(key_.public_key(), "edge-1", kNow);
  EXPECT_EQ(chain.front().not_after(), kNow + hours(2));  // not longer than its authority
  const TrustBundle bundle = *TrustBundle::make(kDomain, {brief.certificate()});
  EXPECT_TRUE(verify(chain, bundle, Purpose::kNodeConnects, kNow + hours(1)));
  EXPECT_FALSE(verify(chain, bundle, Purpose::kNodeConnects, kNow + hours(3)));
}

TEST_F(Verify, RefusesAnAuthorityBelowOneThatMayHaveNone) {
  const Forged below = forge(authority_plan(), p256_key(), &issuer_);
  const Forged leaf = forge({}, p256_key(), &below);
  EXPECT_THAT(refusal({leaf.certificate(), below.certificate(), authority_.certificate()}),
              HasSubstr("no authority that may sign"));
}

TEST_F(Verify, RefusesWhatANodeSigned) {
  const auto node_key = p256_key();
  const Forged node = forge({}, node_key, &issuer_);
  const Forged leaf = forge({.names = "URI:spiffe://test.skerry/node/edge-2"}, p256_key(), &node);
  EXPECT_THAT(refusal({leaf.certificate(), node.certificate(), authority_.certificate()}),
              HasSubstr("no authority that may sign"));
}

TEST_F(Verify, RefusesKeysAndDigestsThatAreNotOurs) {
  const Forged p384 = forge({}, p384_key(), &issuer_);
  EXPECT_THAT(refusal({p384.certificate()}), HasSubstr("not ECDSA on P-256"));
  const Forged sha1 = forge({}, p256_key(), &issuer_, EVP_sha1());
  EXPECT_THAT(refusal({sha1.certificate()}), HasSubstr("refused"));
}

TEST_F(Verify, RefusesEveryBitFlippedInACertificate) {
  const std::string der = forge({}, p256_key(), &issuer_).der();
  int readable = 0;
  for (std::size_t bit = 0; bit < der.size() * 8; ++bit) {
    std::string flipped = der;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto read = Certificate::from_der(flipped);
    if (read) {
      ++readable;
      EXPECT_FALSE(verify(Chain{*read}, bundle(), Purpose::kNodeConnects, kNow)) << bit;
    }
  }
  EXPECT_GT(readable, 100);  // so many were refused for what they say, not for how they read
}

TEST_F(Verify, TakesNoChainThatIsEmptyOrTooLong) {
  EXPECT_EQ(verify({}, bundle(), Purpose::kNodeConnects, kNow).error().code,
            ErrorCode::kInvalidArgument);
  const Chain chain(kMaxChain + 1, node_chain().front());
  EXPECT_EQ(verify(chain, bundle(), Purpose::kNodeConnects, kNow).error().code,
            ErrorCode::kInvalidArgument);
}

// ---- certificates that are nobody's

TEST(Certificate, IsNobodysWithoutExactlyOneIdOfOurs) {
  const auto key = p256_key();
  for (const char* names :
       {"", "DNS:skerry.example.com", "URI:https://example.com/node/edge-1",
        "URI:spiffe://test.skerry/node/edge-1,URI:spiffe://test.skerry/node/edge-2",
        "URI:spiffe://test.skerry/node/edge-1,URI:https://example.com",
        "URI:spiffe://test.skerry/node/", "URI:spiffe://test.skerry/node/a/b",
        "URI:spiffe://test.skerry/node/../controller", "URI:spiffe://test.skerry/controller/",
        "URI:spiffe://test.skerry/controller?x", "URI:spiffe://test.skerry:1/controller",
        "URI:spiffe://user@test.skerry/controller", "URI:spiffe://Test.skerry/controller",
        "URI:SPIFFE://test.skerry/controller", "URI:spiffe:///controller",
        "URI:spiffe://test.skerry/node/EDGE-1", "URI:spiffe://test.skerry/node/%65dge-1"}) {
    EXPECT_FALSE(Certificate::from_native(forge({.names = names}, key).native.get())) << names;
  }
}

TEST(Certificate, IsNobodysWithANulInItsId) {
  const auto key = p256_key();
  Forged forged = forge({.names = ""}, key);
  GENERAL_NAMES* const names = sk_GENERAL_NAME_new_null();
  GENERAL_NAME* const name = GENERAL_NAME_new();
  const std::string_view uri("spiffe://test.skerry/node/edge-1\0.evil", 38);
  ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
  ASN1_STRING_set(text, uri.data(), static_cast<int>(uri.size()));
  GENERAL_NAME_set0_value(name, GEN_URI, text);
  sk_GENERAL_NAME_push(names, name);
  X509_add1_ext_i2d(forged.native.get(), NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT);
  sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
  X509_sign(forged.native.get(), key.get(), EVP_sha256());
  EXPECT_FALSE(Certificate::from_native(forged.native.get()));
}

TEST(Certificate, TellsItsFacts) {
  const Authority authority = Authority::make(kDomain, kNow);
  const PrivateKey key = PrivateKey::generate();
  const Certificate leaf = authority.sign_node(key.public_key(), "edge-1", kNow)->front();
  EXPECT_EQ(leaf.node(), "edge-1");
  EXPECT_EQ(leaf.id().trust_domain, kDomain);
  EXPECT_EQ(leaf.not_after(), kNow + hours(24));
  EXPECT_EQ(leaf.not_before(), authority.certificate().not_before());
  EXPECT_EQ(leaf.key_digest(), key.public_key().digest());
  EXPECT_EQ(leaf.issuer(), authority.certificate().subject());
  const auto again = Certificate::from_pem(leaf.to_pem());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->fingerprint(), leaf.fingerprint());
  EXPECT_NE(authority.certificate().fingerprint(), leaf.fingerprint());
}

TEST(Chain, IsReadAsItWasWritten) {
  const Authority authority = Authority::make(kDomain, kNow);
  const Chain chain = *authority.sign_node(PrivateKey::generate().public_key(), "edge-1", kNow);
  const auto again = parse_chain(to_pem(chain));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, chain);
}

TEST(Chain, ThatIsBrokenOrTooLongIsNotRead) {
  const std::string one = Authority::make(kDomain, kNow).certificate().to_pem();
  EXPECT_FALSE(parse_chain(""));
  EXPECT_FALSE(parse_chain("nothing to see here"));
  EXPECT_FALSE(parse_chain(one + one.substr(0, one.size() / 2)));
  std::string many;
  for (std::size_t i = 0; i <= kMaxChain; ++i) {
    many += one;
  }
  EXPECT_FALSE(parse_chain(many));
  EXPECT_FALSE(parse_chain(one + std::string(kMaxChainBytes, '\n')));
}

TEST(TrustBundle, HoldsAuthoritiesOnly) {
  const Authority authority = Authority::make(kDomain, kNow);
  const Chain chain = *authority.sign_node(PrivateKey::generate().public_key(), "edge-1", kNow);
  EXPECT_FALSE(TrustBundle::make(kDomain, {}));
  EXPECT_FALSE(TrustBundle::make(kDomain, {chain.front()}));
  EXPECT_FALSE(TrustBundle::make("Not A Domain", {authority.certificate()}));
  const auto bundle = TrustBundle::make(kDomain, {authority.certificate()});
  ASSERT_TRUE(bundle);
  const auto again = TrustBundle::from_pem(kDomain, bundle->to_pem());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->authorities(), bundle->authorities());
}

TEST(Pinned, BelievesTheOneAuthorityOfATokenAndNobodyElse) {
  const Authority ours = Authority::make(kDomain, kNow);
  const Authority theirs = Authority::make(kDomain, kNow);
  const PublicKey key = PrivateKey::generate().public_key();
  const Chain good = *ours.sign_controller(key, {}, kNow);
  Chain between = *theirs.sign_controller(key, {}, kNow);
  const std::string& pin = ours.certificate().fingerprint();

  const auto bundle = pinned(good, pin);
  ASSERT_TRUE(bundle) << bundle.error().message;
  EXPECT_TRUE(verify(good, *bundle, Purpose::kControllerServes, kNow));
  EXPECT_FALSE(pinned(between, pin));
  // It can show our authority's certificate; it cannot have been signed by it.
  between.push_back(ours.certificate());
  const auto deceived = pinned(between, pin);
  ASSERT_TRUE(deceived);
  EXPECT_FALSE(verify(between, *deceived, Purpose::kControllerServes, kNow));
  // Nor is the pinned one believed as a controller.
  EXPECT_FALSE(pinned(good, good.front().fingerprint()));
}

}  // namespace
}  // namespace skerry::pki
