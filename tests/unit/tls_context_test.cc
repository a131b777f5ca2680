// Tests of common/tls: what makes a context and what does not, secrets that are open to others, contexts
// that follow their files, and what two sides agree to. Certificates are made here.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "common/digest.h"
#include "common/tls/context.h"
#include "common/tls/rotating_context.h"
#include "tests/certificates/certificates.h"
#include "tests/unit/secret_folder.h"

namespace skerry::tls {
namespace {

using testing::HasSubstr;
using tests::Authority;
using tests::Issued;
using tests::Wish;

class Folder : public tests::SecretFolder {
 public:
  using SecretFolder::write;
  ServerFiles write(const Issued& issued, std::string_view chain = "") const {
    return {.certificate_file = write("server.pem", issued.certificate_pem + std::string(chain)),
            .key_file = write("server.key", issued.key_pem)};
  }
};

// Two sides in one thread, talking through memory.
class Pair {
 public:
  Pair(const Context& server, const Context& client, const std::string& host = "localhost")
      : server_(SSL_new(server.get())), client_(SSL_new(client.get())) {
    BIO* a = nullptr;
    BIO* b = nullptr;
    BIO_new_bio_pair(&a, 0, &b, 0);
    SSL_set_bio(server_, a, a);
    SSL_set_bio(client_, b, b);
    SSL_set_accept_state(server_);
    SSL_set_connect_state(client_);
    EXPECT_TRUE(expect_host(client_, host));
  }
  ~Pair() {
    SSL_free(server_);
    SSL_free(client_);
    ERR_clear_error();
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  SSL* server() { return server_; }
  SSL* client() { return client_; }

  // True if both sides have finished, the server's first word included.
  bool shake() {
    for (int i = 0; i < 10; ++i) {
      SSL_do_handshake(client_);
      SSL_do_handshake(server_);
    }
    return SSL_is_init_finished(client_) == 1 && SSL_is_init_finished(server_) == 1 &&
           SSL_write(server_, "x", 1) == 1 && SSL_read(client_, byte_, 1) == 1;
  }
  long verdict() { return SSL_get_verify_result(client_); }

 private:
  SSL* server_;
  SSL* client_;
  char byte_[1] = {};
};

Context must(Result<Context> made) {
  EXPECT_TRUE(made) << made.error().message;
  return *std::move(made);
}

struct World {
  World() : files(folder.write(authority.issue())), ca(folder.write("ca.pem", authority.pem())) {}

  Context server() const { return must(server_context(files)); }
  Context client() const { return must(client_context({.ca_file = ca})); }

  Authority authority;
  Folder folder;
  ServerFiles files;
  std::string ca;
};

TEST(TlsContext, AServerIsMadeOfItsCertificateAndKey) {
  World world;
  EXPECT_GT(not_after(world.server()), Instant(seconds(1'700'000'000)));
  for (const int bits : {2048, 3072}) {
    EXPECT_TRUE(server_context(world.folder.write(world.authority.issue({.rsa_bits = bits}))));
  }
}

TEST(TlsContext, WhatDoesNotFitTogetherIsRefusedWithItsFile) {
  const World world;
  Authority other;
  const Folder& folder = world.folder;
  const auto refused = [&](ServerFiles files, std::string_view what, ErrorCode code) {
    const auto made = server_context(files);
    ASSERT_FALSE(made) << what;
    EXPECT_EQ(made.error().code, code) << what;
    EXPECT_THAT(made.error().message, HasSubstr(std::string(what)));
  };
  ServerFiles files = world.files;
  files.key_file = folder.write("other.key", other.issue().key_pem);
  refused(files, "is not the key of the certificate", ErrorCode::kInvalidArgument);
  files.key_file = folder.write("open.key", other.issue().key_pem, 0644);
  refused(files, "open.key", ErrorCode::kPermissionDenied);
  files.key_file = folder.write("junk.key", "junk");
  refused(files, "holds no PEM private key", ErrorCode::kInvalidArgument);
  files.key_file = folder.path("nowhere.key");
  refused(files, "nowhere.key", ErrorCode::kNotFound);
  files = world.files;
  files.certificate_file = folder.write("junk.pem", "junk");
  refused(files, "holds no PEM certificate", ErrorCode::kInvalidArgument);
  files = world.files;
  files.client_ca_file = folder.write("junk.pem", "junk");
  refused(files, "junk.pem", ErrorCode::kInvalidArgument);
  refused(folder.write(other.issue({.rsa_bits = 1024})), "cannot be used",
          ErrorCode::kInvalidArgument);
}

TEST(TlsContext, BothSidesAgreeToTheNewestVersionAndHttp11) {
  const World world;
  Pair pair(world.server(), world.client());
  ASSERT_TRUE(pair.shake());
  EXPECT_EQ(SSL_version(pair.server()), TLS1_3_VERSION);
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(pair.client(), &protocol, &size);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(protocol), size), "http/1.1");
}

TEST(TlsContext, OlderVersionsAndWeakCiphersAreRefused) {
  const World world;
  const auto agrees = [&](int version, const char* ciphers) {
    const Context client = world.client();
    SSL_CTX_set_security_level(client.get(), 0);
    SSL_CTX_set_min_proto_version(client.get(), version);
    SSL_CTX_set_max_proto_version(client.get(), version);
    EXPECT_EQ(SSL_CTX_set_cipher_list(client.get(), ciphers), 1) << ciphers;
    Pair pair(world.server(), client);
    return pair.shake();
  };
  EXPECT_TRUE(agrees(TLS1_2_VERSION, "ALL"));
  EXPECT_FALSE(agrees(TLS1_1_VERSION, "ALL"));
  EXPECT_FALSE(agrees(TLS1_VERSION, "ALL"));
  EXPECT_FALSE(agrees(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256")) << "without authentication";
  EXPECT_FALSE(agrees(TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA"));
  EXPECT_FALSE(agrees(TLS1_2_VERSION, "AES128-GCM-SHA256:AES256-GCM-SHA384"))
      << "without forward secrecy";
}

TEST(TlsContext, AClientThatNamesOtherProtocolsOnlyIsRefused) {
  const World world;
  const auto agrees = [&](std::string_view offered) {
    const Context client = world.client();
    SSL_CTX_set_alpn_protos(client.get(), reinterpret_cast<const unsigned char*>(offered.data()),
                            static_cast<unsigned>(offered.size()));
    Pair pair(world.server(), client);
    return pair.shake();
  };
  EXPECT_TRUE(agrees(""));
  EXPECT_TRUE(agrees(std::string_view("\2h2\10http/1.1")));
  EXPECT_FALSE(agrees(std::string_view("\2h2")));
  EXPECT_FALSE(agrees(std::string_view("\10http/1.0")));
}

TEST(TlsContext, NothingIsResumedOrRenegotiated) {
  const World world;
  const Context client = world.client();
  SSL_CTX_set_max_proto_version(client.get(), TLS1_2_VERSION);
  Pair pair(world.server(), client);
  ASSERT_TRUE(pair.shake());
  EXPECT_EQ(SSL_SESSION_is_resumable(SSL_get0_session(pair.client())), 0);
  EXPECT_EQ(SSL_renegotiate(pair.server()), 0);
  SSL_clear_options(pair.client(), SSL_OP_NO_RENEGOTIATION);  // a client that asks all the same
  ASSERT_EQ(SSL_renegotiate(pair.client()), 1);
  for (int i = 0; i < 10; ++i) {
    char byte = 0;
    EXPECT_NE(SSL_do_handshake(pair.client()), 1);
    SSL_read(pair.server(), &byte, 1);
  }
}

TEST(TlsContext, TheServersNameOrAddressIsVerified) {
  World world;
  world.folder.write(
      world.authority.issue({.hosts = {"skerry.example", "10.0.0.5", "2001:db8::5"}}));
  for (const char* host : {"skerry.example", "10.0.0.5", "2001:db8::5"}) {
    Pair pair(world.server(), world.client(), host);
    EXPECT_TRUE(pair.shake()) << host;
  }
  for (const char* host : {"other.example", "a.skerry.example", "10.0.0.6", "2001:db8::6"}) {
    Pair pair(world.server(), world.client(), host);
    EXPECT_FALSE(pair.shake()) << host;
    EXPECT_NE(pair.verdict(), X509_V_OK);
  }
}

TEST(TlsContext, OnlyCurrentCertificatesForServersOfTheAuthorityAreTaken) {
  World world;
  Authority other;
  const auto verdict = [&](const Issued& issued) {
    Pair pair(must(server_context(world.folder.write(issued))), world.client());
    EXPECT_FALSE(pair.shake());
    return pair.verdict();
  };
  EXPECT_EQ(verdict(world.authority.issue({.begins_s = -7200, .ends_s = -3600})),
            X509_V_ERR_CERT_HAS_EXPIRED);
  EXPECT_EQ(verdict(world.authority.issue({.begins_s = 3600})), X509_V_ERR_CERT_NOT_YET_VALID);
  EXPECT_EQ(verdict(world.authority.issue({.for_client = true})), X509_V_ERR_INVALID_PURPOSE)
      << "what a node shows is no server's";
  EXPECT_EQ(verdict(other.issue()), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
}

TEST(TlsContext, AChainLeadsToTheAuthority) {
  World world;
  Authority between = world.authority.intermediate("between");
  Pair whole(must(server_context(world.folder.write(between.issue(), between.pem()))),
             world.client());
  EXPECT_TRUE(whole.shake());
  Pair lacking(must(server_context(world.folder.write(between.issue()))), world.client());
  EXPECT_FALSE(lacking.shake());
  // Who trusts the one in between needs nothing above it.
  const std::string pinned = world.folder.write("between.pem", between.pem());
  Pair narrow(world.server(), must(client_context({.ca_file = pinned})));
  EXPECT_TRUE(narrow.shake());
}

TEST(TlsContext, AServerMayAskForTheClientsCertificate) {
  World world;
  Authority clients;
  const Issued good = clients.issue({.hosts = {}, .for_client = true});
  const Issued bad = world.authority.issue({.hosts = {}, .for_client = true});
  world.files.client_ca_file = world.folder.write("clients.pem", clients.pem());
  const auto agrees = [&](const Issued* shown) {
    ClientFiles files{.ca_file = world.ca};
    if (shown != nullptr) {
      files.certificate_file = world.folder.write("client.pem", shown->certificate_pem);
      files.key_file = world.folder.write("client.key", shown->key_pem);
    }
    Pair pair(world.server(), must(client_context(files)));
    return pair.shake();
  };
  EXPECT_TRUE(agrees(&good));
  EXPECT_FALSE(agrees(&bad));
  EXPECT_FALSE(agrees(nullptr));
}

TEST(TlsContext, WhoAsksNotToVerifyTakesAnybody) {
  const World world;
  Pair pair(world.server(), must(unverified_client_context({})), "elsewhere.example");
  EXPECT_TRUE(pair.shake());
}

// ---- files that change

struct SetClock final : Clock {
  Instant now() override { return at; }
  Instant at{seconds(1'800'000'000)};
};

struct Rotation : World {
  Rotation() {
    auto opened = RotatingContext::open(files, clock, [this](bool good, std::string_view what) {
      said.push_back((good ? "good: " : "bad: ") + std::string(what));
    });
    EXPECT_TRUE(opened) << opened.error().message;
    context = *std::move(opened);
    first = context->current();
  }
  Context a_second_later() {
    clock.at += seconds(1);
    return context->current();
  }

  SetClock clock;
  std::vector<std::string> said;
  std::unique_ptr<RotatingContext> context;
  Context first;
};

TEST(RotatingContext, StaysTheSameWhileItsFilesDo) {
  Rotation rotation;
  EXPECT_EQ(rotation.a_second_later(), rotation.first);
  EXPECT_THAT(rotation.said, testing::IsEmpty());
}

TEST(RotatingContext, FollowsItsFilesAtMostOnceASecond) {
  Rotation rotation;
  rotation.folder.write(rotation.authority.issue({.ends_s = 7200}));
  EXPECT_EQ(rotation.context->current(), rotation.first);
  const Context second = rotation.a_second_later();
  EXPECT_NE(second, rotation.first);
  EXPECT_LT(not_after(second), not_after(rotation.first));
  EXPECT_EQ(rotation.context->not_after(), not_after(second));
  EXPECT_THAT(rotation.said, testing::ElementsAre(HasSubstr("good: ")));
  Pair pair(second, rotation.client());
  EXPECT_TRUE(pair.shake());
}

TEST(RotatingContext, KeepsTheOldOneWhileTheNewOneIsHalfThereAndSaysSoOnce) {
  Rotation rotation;
  const Issued fresh = rotation.authority.issue();
  rotation.folder.write("server.pem", fresh.certificate_pem);
  EXPECT_EQ(rotation.a_second_later(), rotation.first);
  EXPECT_EQ(rotation.a_second_later(), rotation.first);
  EXPECT_THAT(rotation.said, testing::ElementsAre(HasSubstr("is not the key of")));
  rotation.folder.write("server.key", fresh.key_pem);
  EXPECT_NE(rotation.a_second_later(), rotation.first);
  EXPECT_EQ(rotation.said.size(), 2u);
}

TEST(RotatingContext, AKeyThatIsOpenToOthersIsNotTakenUntilItsModeIsRight) {
  Rotation rotation;
  const Issued fresh = rotation.authority.issue();
  rotation.folder.write(fresh);
  rotation.folder.write("server.key", fresh.key_pem, 0644);
  EXPECT_EQ(rotation.a_second_later(), rotation.first);
  ::chmod(rotation.files.key_file.c_str(), 0600);
  EXPECT_NE(rotation.a_second_later(), rotation.first);
}

TEST(RotatingContext, OutlivesItsFiles) {
  Rotation rotation;
  std::filesystem::remove(rotation.files.certificate_file);
  EXPECT_EQ(rotation.a_second_later(), rotation.first);
  EXPECT_THAT(rotation.said, testing::ElementsAre(HasSubstr("cannot read")));
}

}  // namespace
}  // namespace skerry::tls
