// Whom the outbound client believes: certificates of an authority that is trusted, for the URL's host, now.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "common/check.h"
#include "controller/outbound/client.h"
#include "tests/unit/http_double.h"
#include "tests/unit/outbound_names.h"

namespace skerry::outbound {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr long kDayS = 24L * 3600;

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* owned) const {
    Free(owned);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  check(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "an extension is made");
}

// An authority, and servers' certificates that it signs.
class Authority {
 public:
  explicit Authority(const std::string& name) : name_(name), key_(EVP_EC_gen("P-256")) {
    certificate_ = sign(name, key_.get(), 0, kDayS);
    add_extension(certificate_.get(), certificate_.get(), NID_basic_constraints,
                  "critical,CA:TRUE");
    check(X509_sign(certificate_.get(), key_.get(), EVP_sha256()) > 0, "it is signed");
  }

  // A server's context for a name ("DNS:idp.example", "IP:127.0.0.1"), good from and until so many seconds from now.
  Context server(const std::string& name, long from_s = -kDayS, long until_s = kDayS) const {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate = sign("server", key.get(), from_s, until_s);
    add_extension(certificate.get(), certificate_.get(), NID_subject_alt_name, name);
    check(X509_sign(certificate.get(), key_.get(), EVP_sha256()) > 0, "it is signed");
    Context context(SSL_CTX_new(TLS_server_method()));
    check(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1 &&
              SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1,
          "a server has a certificate");
    return context;
  }

  void write(const std::filesystem::path& path) const {
    const std::unique_ptr<std::FILE, Freed<std::fclose>> file(std::fopen(path.c_str(), "w"));
    check(file && PEM_write_X509(file.get(), certificate_.get()) == 1, "the authority is written");
  }

 private:
  // Not signed yet.
  Certificate sign(const std::string& subject, EVP_PKEY* key, long from_s, long until_s) const {
    Certificate certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until_s);
    X509_set_pubkey(certificate.get(), key);
    for (const auto& [name, text] : {std::pair(X509_get_subject_name(certificate.get()), subject),
                                     std::pair(X509_get_issuer_name(certificate.get()), name_)}) {
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
    }
    return certificate;
  }

  std::string name_;
  Key key_;
  Certificate certificate_;
};

class OutboundTls : public ::testing::Test {
 protected:
  OutboundTls() { authority_.write(ca_file_); }
  ~OutboundTls() override { std::filesystem::remove(ca_file_); }

  Result<Response> fetch(const Context& server_context, std::string ca_file,
                         const std::string& host = "idp.example") {
    HttpDouble server([](const std::string&) { return http_answer("trusted"); },
                      {.tls = server_context.get()});
    const Policy policy{.hosts = {"*"},
                        .ports = {server.port()},
                        .networks = {*Network::parse("127.0.0.0/8")},
                        .ca_file = std::move(ca_file),
                        .timeout = seconds(30)};
    auto answer = Client(policy, names_)
                      .fetch({.url = fmt::format("https://{}:{}/", host, server.port())}, {});
    EXPECT_EQ(server.requests().size(), answer ? 1u : 0u) << "who is not trusted is told nothing";
    return answer;
  }
  void expect_refused(const Result<Response>& answer) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(answer.error().message, HasSubstr("'tls'"));
  }

  std::string ca_file_ = (std::filesystem::temp_directory_path() /
                          fmt::format("skerry-ca-{}.pem",
                                      ::testing::UnitTest::GetInstance()->random_seed() + getpid()))
                             .string();
  Authority authority_{"An authority of the test"};
  NameServer names_{{}};
};

TEST_F(OutboundTls, AServerOfTheGivenAuthorityIsTrusted) {
  const auto answer = fetch(authority_.server("DNS:idp.example"), ca_file_);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "trusted");
  EXPECT_TRUE(fetch(authority_.server("IP:127.0.0.1"), ca_file_, "127.0.0.1"));
}

TEST_F(OutboundTls, AnAuthorityThatTheSystemDoesNotKnowIsNot) {
  expect_refused(fetch(authority_.server("DNS:idp.example"), ""));
}

TEST_F(OutboundTls, AnotherAuthorityOfTheSameNameIsNot) {
  expect_refused(fetch(Authority("An authority of the test").server("DNS:idp.example"), ca_file_));
}

TEST_F(OutboundTls, ACertificateForAnotherHostIsNot) {
  for (const char* name : {"DNS:other.example", "DNS:*.idp.example", "IP:127.0.0.1"}) {
    expect_refused(fetch(authority_.server(name), ca_file_));
  }
  expect_refused(fetch(authority_.server("DNS:127.0.0.1"), ca_file_, "127.0.0.1"));
}

TEST_F(OutboundTls, ACertificateOfAnotherTimeIsNot) {
  expect_refused(fetch(authority_.server("DNS:idp.example", -2 * kDayS, -kDayS), ca_file_));
  expect_refused(fetch(authority_.server("DNS:idp.example", kDayS, 2 * kDayS), ca_file_));
}

TEST_F(OutboundTls, ProtocolsBefore12AreNot) {
  const Context old = authority_.server("DNS:idp.example");
  SSL_CTX_set_security_level(old.get(), 0);
  SSL_CTX_set_min_proto_version(old.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(old.get(), TLS1_1_VERSION);
  expect_refused(fetch(old, ca_file_));
}

TEST_F(OutboundTls, AFileOfAuthoritiesThatIsMissingIsNamed) {
  const auto answer = fetch(authority_.server("DNS:idp.example"), "/nonexistent/ca.pem");
  expect_refused(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("/nonexistent/ca.pem"));
}

}  // namespace
}  // namespace skerry::outbound
