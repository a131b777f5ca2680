// Tests of TLS contexts: handshakes in memory, between ends that should and should not meet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "common/pki/authority.h"
#include "common/pki/openssl.h"
#include "common/pki/tls_context.h"
#include "common/pki/verify.h"
#include "pki_forge.h"

namespace skerry::pki {
namespace {

using testing::HasSubstr;
using SslPtr = std::unique_ptr<SSL, Freeing<SSL_free>>;

struct Ends {
  SslPtr server;
  SslPtr client;
  bool met = false;

  // A byte from one end to the other and back.
  bool talk() const {
    char byte = 'x';
    return SSL_write(client.get(), &byte, 1) == 1 && SSL_read(server.get(), &byte, 1) == 1 &&
           SSL_write(server.get(), &byte, 1) == 1 && SSL_read(client.get(), &byte, 1) == 1;
  }
};

Ends meet(SSL_CTX* server, SSL_CTX* client, SSL_SESSION* again = nullptr) {
  Ends ends{.server = SslPtr(SSL_new(server)), .client = SslPtr(SSL_new(client))};
  if (again != nullptr) {
    SSL_set_session(ends.client.get(), again);
  }
  BIO* one = nullptr;
  BIO* other = nullptr;
  BIO_new_bio_pair(&one, 0, &other, 0);
  SSL_set_bio(ends.server.get(), one, one);
  SSL_set_bio(ends.client.get(), other, other);
  SSL_set_accept_state(ends.server.get());
  SSL_set_connect_state(ends.client.get());
  for (int i = 0; i < 20 && !ends.met; ++i) {
    const int there = SSL_do_handshake(ends.client.get());
    const int here = SSL_do_handshake(ends.server.get());
    ends.met = there == 1 && here == 1;
  }
  ERR_clear_error();
  return ends;
}

class Tls : public testing::Test {
 protected:
  PeerCheck checks(Purpose purpose) const {
    return [bundle = *TrustBundle::make("test.skerry", {authority_.certificate()}), purpose](
               std::span<const Certificate> chain) { return verify(chain, bundle, purpose, kNow); };
  }
  TlsIdentity node() const {
    PrivateKey key = PrivateKey::generate();
    Chain chain = *authority_.sign_node(key.public_key(), "edge-1", kNow);
    return {.key = std::move(key), .chain = std::move(chain)};
  }
  TlsIdentity controller() const {
    PrivateKey key = PrivateKey::generate();
    Chain chain = *authority_.sign_controller(key.public_key(), {}, kNow);
    return {.key = std::move(key), .chain = std::move(chain)};
  }
  TlsContext server(std::string alpn = {}) const {
    return *TlsContext::server({.identity = controller(),
                                .check_peer = checks(Purpose::kNodeConnects),
                                .alpn = std::move(alpn)});
  }
  TlsContext client(std::optional<TlsIdentity> identity, std::string alpn = {}) const {
    return *TlsContext::client({.identity = std::move(identity),
                                .check_peer = checks(Purpose::kControllerServes),
                                .alpn = std::move(alpn)});
  }

  const Authority authority_ = Authority::make("test.skerry", kNow);
};

TEST_F(Tls, EndsThatBelieveEachOtherTalkAndKnowWithWhom) {
  const TlsContext here = server();
  const TlsContext there = client(node());
  const Ends ends = meet(here.native(), there.native());
  ASSERT_TRUE(ends.met);
  EXPECT_TRUE(ends.talk());
  const auto peer = checked_peer(ends.server.get());
  ASSERT_TRUE(peer) << peer.error().message;
  EXPECT_EQ(peer->front().node(), "edge-1");
  EXPECT_EQ(checked_peer(ends.client.get())->front().role(), Role::kController);
  EXPECT_STREQ(SSL_get_version(ends.server.get()), "TLSv1.3");
}

TEST_F(Tls, AClientWithoutACertificateIsRefused) {
  const TlsContext here = server();
  const TlsContext there = client(std::nullopt);
  const Ends ends = meet(here.native(), there.native());
  EXPECT_FALSE(ends.met);
  EXPECT_FALSE(checked_peer(ends.server.get()));
}

TEST_F(Tls, AClientOfAnotherAuthorityIsRefusedAndTheCauseIsKept) {
  const Authority other = Authority::make("test.skerry", kNow);
  PrivateKey key = PrivateKey::generate();
  Chain chain = *other.sign_node(key.public_key(), "edge-1", kNow);
  const TlsContext here = server();
  const TlsContext there = client(TlsIdentity{.key = key, .chain = chain});
  const Ends ends = meet(here.native(), there.native());
  EXPECT_FALSE(ends.met);
  const auto peer = checked_peer(ends.server.get());
  ASSERT_FALSE(peer);
  EXPECT_THAT(peer.error().message, HasSubstr("not trusted here"));
}

TEST_F(Tls, AClientThatShowsNobodysCertificateIsRefused) {
  const Forged issuer = as_issuer(authority_.certificate(), authority_.key());
  const Forged nobody = forge({.names = "DNS:edge-1"}, p256_key(), &issuer);
  const TlsContext there = client(std::nullopt);
  SSL_CTX_use_certificate(there.native(), nobody.native.get());
  SSL_CTX_use_PrivateKey(there.native(), nobody.key.get());
  const TlsContext here = server();
  const Ends ends = meet(here.native(), there.native());
  EXPECT_FALSE(ends.met);
  EXPECT_THAT(checked_peer(ends.server.get()).error().message, HasSubstr("has no id"));
}

TEST_F(Tls, AServerThatIsNotTheControllerIsRefused) {
  const TlsContext here = *TlsContext::server({.identity = node(), .check_peer = {}});
  const TlsContext there = client(node());
  const Ends ends = meet(here.native(), there.native());
  EXPECT_FALSE(ends.met);
  EXPECT_THAT(checked_peer(ends.client.get()).error().message, HasSubstr("not for this use"));
}

TEST_F(Tls, AServerThatAsksForNoCertificatesServesClientsWithout) {
  const TlsContext here = *TlsContext::server({.identity = controller(), .check_peer = {}});
  const TlsContext there = client(std::nullopt);
  const Ends ends = meet(here.native(), there.native());
  EXPECT_TRUE(ends.met && ends.talk());
}

TEST_F(Tls, OldVersionsAreRefused) {
  const TlsContext here = server();
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    const TlsContext there = client(node());
    SSL_CTX_set_security_level(there.native(), 0);  // which would offer neither
    SSL_CTX_set_min_proto_version(there.native(), version);
    SSL_CTX_set_max_proto_version(there.native(), version);
    EXPECT_FALSE(meet(here.native(), there.native()).met) << version;
  }
  const TlsContext there = client(node());
  SSL_CTX_set_max_proto_version(there.native(), TLS1_2_VERSION);
  EXPECT_TRUE(meet(here.native(), there.native()).met);
}

TEST_F(Tls, CiphersWithoutForwardSecrecyOrAuthenticatedEncryptionAreRefused) {
  const TlsContext here = server();
  for (const char* ciphers : {"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256",
                              "ECDHE-ECDSA-AES256-CCM8", "AES128-GCM-SHA256", "ADH-AES128-SHA"}) {
    const TlsContext there = client(node());
    SSL_CTX_set_security_level(there.native(), 0);
    SSL_CTX_set_max_proto_version(there.native(), TLS1_2_VERSION);
    if (SSL_CTX_set_cipher_list(there.native(), ciphers) == 1) {
      EXPECT_FALSE(meet(here.native(), there.native()).met) << ciphers;
    }
  }
}

TEST_F(Tls, NoSessionIsResumed) {
  const TlsContext here = server();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const TlsContext there = client(node());
    SSL_CTX_set_max_proto_version(there.native(), version);
    SSL_CTX_clear_options(there.native(), SSL_OP_NO_TICKET);
    const Ends first = meet(here.native(), there.native());
    ASSERT_TRUE(first.met && first.talk());
    SSL_SESSION* const session = SSL_get1_session(first.client.get());
    EXPECT_FALSE(SSL_SESSION_has_ticket(session));
    const Ends second = meet(here.native(), there.native(), session);
    EXPECT_TRUE(second.met && second.talk());
    EXPECT_FALSE(SSL_session_reused(second.server.get()));
    EXPECT_TRUE(checked_peer(second.server.get()));
    SSL_SESSION_free(session);
  }
}

TEST_F(Tls, RenegotiationIsRefused) {
  const TlsContext here = server();
  const TlsContext there = client(node());
  SSL_CTX_set_max_proto_version(there.native(), TLS1_2_VERSION);
  SSL_CTX_clear_options(there.native(), SSL_OP_NO_RENEGOTIATION);
  const Ends ends = meet(here.native(), there.native());
  ASSERT_TRUE(ends.met);
  ASSERT_EQ(SSL_renegotiate(ends.client.get()), 1);
  SSL_do_handshake(ends.client.get());
  char byte = 0;
  SSL_read(ends.server.get(), &byte, 1);
  EXPECT_NE(SSL_do_handshake(ends.client.get()), 1);
  EXPECT_EQ(SSL_num_renegotiations(ends.server.get()), 0);
}

TEST_F(Tls, TheProtocolIsDemandedAndNoOtherIsTaken) {
  const TlsContext here = server("h2");
  const TlsContext right = client(node(), "h2");
  const TlsContext wrong = client(node(), "http/1.1");
  const TlsContext none = client(node());
  EXPECT_TRUE(meet(here.native(), right.native()).met);
  EXPECT_FALSE(meet(here.native(), wrong.native()).met);
  EXPECT_FALSE(meet(here.native(), none.native()).met);
}

TEST_F(Tls, AnIdentityIsReadBackFromItsPem) {
  const TlsIdentity identity = node();
  const auto again = identity_from_pem(to_pem(identity));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->chain, identity.chain);
  EXPECT_EQ(again->key.public_key(), identity.key.public_key());
  EXPECT_FALSE(identity_from_pem(PrivateKey::generate().to_pem() + to_pem(identity.chain)));
  EXPECT_FALSE(identity_from_pem(to_pem(identity.chain)));
  EXPECT_FALSE(identity_from_pem(identity.key.to_pem()));
}

TEST_F(Tls, AnEndNeedsWhatItsPartAsksFor) {
  EXPECT_FALSE(TlsContext::server({.check_peer = checks(Purpose::kNodeConnects)}));
  EXPECT_FALSE(TlsContext::client({.identity = node()}));
  TlsIdentity mixed = node();
  mixed.key = PrivateKey::generate();
  EXPECT_FALSE(TlsContext::server({.identity = std::move(mixed)}));
}

}  // namespace
}  // namespace skerry::pki
