// auth_keys.h: an issuer in a test's hands: its keys, and tokens that they sign, right or wrong.

#pragma once

#include <openssl/evp.h>

#include <boost/json/object.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "controller/oidc/jwt.h"

namespace skerry::oidc {

std::string to_base64url(std::string_view bytes);

class SigningKey {
 public:
  static SigningKey rsa(unsigned bits = 2048, unsigned exponent = 65537);
  static SigningKey p256();
  static SigningKey ed25519();

  // What its holder can do with it: a signature in JOSE's form, by the algorithm that goes with it.
  std::string sign(std::string_view message) const;
  // RSA alone: PKCS #1 v1.5 or PSS with another digest; the private operation on a block as it is.
  std::string sign_rsa(std::string_view message, const EVP_MD* digest, bool pss) const;
  std::string sign_block(std::string_view block) const;

  std::string algorithm() const;
  boost::json::object jwk(std::string_view id) const;
  std::string pem() const;         // of the public half
  std::string der() const;         // likewise
  std::string public_raw() const;  // of Ed25519
  EVP_PKEY* get() const { return key_.get(); }

 private:
  explicit SigningKey(EVP_PKEY* key) : key_(key, EVP_PKEY_free) {}
  std::shared_ptr<EVP_PKEY> key_;
};

// The document of a set.
std::string key_set_text(std::initializer_list<boost::json::object> keys);
KeySet key_set(std::initializer_list<boost::json::object> keys);

// header.payload.signature of texts as they are.
std::string sign_texts(std::string_view header, std::string_view payload, const SigningKey& key);

// The issuer that the tests trust, with a key of each kind, and what it says of a good caller at kNow.
struct TestIssuer {
  static constexpr Instant kNow = instant_from_us(1'800'000'000'000'000);
  static constexpr std::int64_t kNowS = 1'800'000'000;

  static const TestIssuer& get();  // keys are made once a process

  SigningKey rsa = SigningKey::rsa();
  SigningKey p256 = SigningKey::p256();
  SigningKey ed25519 = SigningKey::ed25519();
  KeySet keys = key_set({rsa.jwk("rsa-1"), p256.jwk("p256-1"), ed25519.jwk("ed25519-1")});
  Rules rules{.issuer = "https://idp.example/realm", .audiences = {"skerry", "skerry-cli"}};

  static boost::json::object header(std::string_view algorithm, std::string_view id);
  boost::json::object payload() const;

  // A good token by the key of Ed25519 with this payload or these changes of it; a null strikes a member.
  std::string token(boost::json::object changes = {}) const;
  std::string token_by(const SigningKey& key, std::string_view id) const;
  std::string token_of(std::string_view payload) const;
  std::string token_with_header(std::string_view header) const;
  Result<Claims> verify(std::string_view token, Instant now = kNow) const {
    return oidc::verify(token, keys, rules, now);
  }
};

}  // namespace skerry::oidc
