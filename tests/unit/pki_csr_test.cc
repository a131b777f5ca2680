// Tests of signing requests and keys: what is taken of them, and what is refused.
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include "common/digest.h"
#include "common/pki/authority.h"
#include "common/pki/csr.h"
#include "common/pki/key.h"
#include "common/pki/openssl.h"
#include "pki_forge.h"

namespace skerry::pki {
namespace {

std::string pem_of(std::string_view der) {
  std::string body;
  const std::string base64 = to_base64(der);
  for (std::size_t at = 0; at < base64.size(); at += 64) {
    body += base64.substr(at, 64) + "\n";
  }
  return "-----BEGIN CERTIFICATE REQUEST-----\n" + body + "-----END CERTIFICATE REQUEST-----\n";
}

std::string der_of(const std::string& pem) {
  const BioPtr in = reading(pem);
  const RequestPtr request(PEM_read_bio_X509_REQ(in.get(), nullptr, nullptr, nullptr));
  unsigned char* bytes = nullptr;
  const int size = i2d_X509_REQ(request.get(), &bytes);
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

TEST(Key, IsReadBackFromItsPem) {
  const PrivateKey key = PrivateKey::generate();
  const auto again = PrivateKey::from_pem(key.to_pem());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->public_key(), key.public_key());
  EXPECT_NE(PrivateKey::generate().public_key(), key.public_key());
  EXPECT_TRUE(is_digest(key.public_key().digest()));
}

TEST(Key, OfAnotherKindIsRefused) {
  for (const auto& key : {p384_key(), rsa_key()}) {
    const auto read = PrivateKey::from_pem(key_pem(*key));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(read.error().message.find("P-256"), std::string::npos);
  }
}

TEST(Key, WithItsCurveSpeltOutIsRefused) {
  const auto key = p256_key();
  EVP_PKEY_set_utf8_string_param(key.get(), "encoding", "explicit");
  EXPECT_FALSE(PrivateKey::from_pem(key_pem(*key)));
}

TEST(Key, UnderAPassphraseIsRefusedWithoutAsking) {
  const auto key = p256_key();
  const BioPtr out(BIO_new(BIO_s_mem()));
  char passphrase[] = "open sesame";
  PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(), passphrase,
                                sizeof(passphrase) - 1, nullptr, nullptr);
  const auto read = PrivateKey::from_pem(written(*out));
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("passphrase"), std::string::npos);
}

TEST(Key, ThatIsNoneOrTooLargeIsRefused) {
  EXPECT_FALSE(PrivateKey::from_pem(""));
  EXPECT_FALSE(
      PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"));
  EXPECT_FALSE(PrivateKey::from_pem(PrivateKey::generate().to_pem() + std::string(1 << 20, '\n')));
}

TEST(Csr, YieldsTheKeyThatSignedIt) {
  const PrivateKey key = PrivateKey::generate();
  const std::string pem = make_csr(key);
  EXPECT_LT(pem.size(), kMaxCsrBytes / 4);
  const auto read = read_csr(pem);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, key.public_key());
}

TEST(Csr, NamesAndUsagesInItReachNoCertificate) {
  const auto key = p256_key();
  const std::string pem =
      forge_csr(*key, *key, "controller\n\r/CN=root",
                "URI:spiffe://test.skerry/controller,DNS:skerry.example.com,IP:10.0.0.1");
  const auto read = read_csr(pem);
  ASSERT_TRUE(read) << read.error().message;
  const Authority authority = Authority::make("test.skerry", kNow);
  const auto chain = authority.sign_node(*read, "edge-1", kNow);
  ASSERT_TRUE(chain) << chain.error().message;
  const Certificate& leaf = chain->front();
  EXPECT_EQ(leaf.role(), Role::kNode);
  EXPECT_EQ(leaf.id().uri(), "spiffe://test.skerry/node/edge-1");
  EXPECT_EQ(leaf.subject(), "CN=edge-1,O=skerry");
  EXPECT_EQ(X509_get_extended_key_usage(leaf.native()), std::uint32_t{XKU_SSL_CLIENT});
  EXPECT_EQ(X509_check_ca(leaf.native()), 0);
  EXPECT_NE(X509_check_host(leaf.native(), "skerry.example.com", 0, 0, nullptr), 1);
  EXPECT_NE(X509_check_ip_asc(leaf.native(), "10.0.0.1", 0), 1);
}

TEST(Csr, OfAnotherKindOfKeyIsRefused) {
  for (const auto& key : {p384_key(), rsa_key()}) {
    const auto read = read_csr(forge_csr(*key, *key, "edge-1", ""));
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().message.find("P-256"), std::string::npos);
  }
}

TEST(Csr, SignedByAnotherKeyIsRefused) {
  const auto theirs = p256_key();
  const auto ours = p256_key();
  const auto read = read_csr(forge_csr(*theirs, *ours, "edge-1", ""));
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("not signed with the key"), std::string::npos);
}

TEST(Csr, SignedWithAWeakDigestIsRefused) {
  const auto key = p256_key();
  EXPECT_FALSE(read_csr(forge_csr(*key, *key, "edge-1", "", EVP_sha1())));
}

TEST(Csr, OfMoreBytesThanARequestHasIsNotRead) {
  const auto key = p256_key();
  const std::string huge =
      forge_csr(*key, *key, "edge-1", "DNS:" + std::string(60, 'a') + ".example.com");
  const auto padded = read_csr(huge + std::string(kMaxCsrBytes, ' '));
  ASSERT_FALSE(padded);
  EXPECT_EQ(padded.error().code, ErrorCode::kTooLarge);
  EXPECT_FALSE(read_csr(std::string(100 << 20, 'A')));
}

TEST(Csr, ThatIsNoneIsRefused) {
  for (const std::string_view text :
       {"", "hello", "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n"}) {
    EXPECT_FALSE(read_csr(text)) << text;
  }
  EXPECT_FALSE(read_csr(PrivateKey::generate().to_pem()));
  EXPECT_FALSE(read_csr(Authority::make("test.skerry", kNow).certificate().to_pem()));
}

TEST(Csr, CutOffAnywhereIsRefused) {
  const std::string der = der_of(make_csr(PrivateKey::generate()));
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(read_csr(pem_of(der.substr(0, size)))) << size;
  }
}

// A flip may leave a request that means the same; none may yield another key.
TEST(Csr, WithAnyBitFlippedYieldsNoOtherKey) {
  const PrivateKey key = PrivateKey::generate();
  const std::string der = der_of(make_csr(key));
  int refused = 0;
  for (std::size_t bit = 0; bit < der.size() * 8; ++bit) {
    std::string flipped = der;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto read = read_csr(pem_of(flipped));
    refused += read ? 0 : 1;
    if (read) {
      EXPECT_EQ(*read, key.public_key()) << bit;
    }
  }
  EXPECT_GT(refused, static_cast<int>(der.size()) * 8 * 99 / 100);
}

}  // namespace
}  // namespace skerry::pki
