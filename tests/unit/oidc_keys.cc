#include "tests/unit/oidc_keys.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <vector>

#include "common/check.h"
#include "common/digest.h"

namespace skerry::oidc {

namespace json = boost::json;

namespace {

const unsigned char* data(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* data(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

std::string number_of(EVP_PKEY* key, const char* name, int bytes = 0) {
  BIGNUM* number = nullptr;
  check(EVP_PKEY_get_bn_param(key, name, &number) == 1, "a key has its numbers");
  std::string text(static_cast<std::size_t>(bytes == 0 ? BN_num_bytes(number) : bytes), '\0');
  BN_bn2binpad(number, data(text), static_cast<int>(text.size()));
  BN_free(number);
  return text;
}

// The two numbers of an ASN.1 signature, 32 bytes each.
std::string to_raw(std::string_view der) {
  const unsigned char* at = data(der);
  ECDSA_SIG* const pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  check(pair != nullptr, "OpenSSL makes signatures that it reads");
  std::string raw(64, '\0');
  BN_bn2binpad(ECDSA_SIG_get0_r(pair), data(raw), 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(pair), data(raw) + 32, 32);
  ECDSA_SIG_free(pair);
  return raw;
}

std::string sign_with(EVP_PKEY* key, std::string_view message, const EVP_MD* digest, bool pss) {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* options = nullptr;
  check(EVP_DigestSignInit(context, &options, digest, nullptr, key) == 1, "a test signs");
  check(!pss || EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1, "RSA has PSS");
  std::size_t size = 1024;
  std::string signature(size, '\0');
  check(EVP_DigestSign(context, data(signature), &size, data(message), message.size()) == 1,
        "a test signs");
  EVP_MD_CTX_free(context);
  signature.resize(size);
  return signature;
}

}  // namespace

std::string to_base64url(std::string_view bytes) {
  std::string text = to_base64(bytes);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  text.erase(std::min(text.find('='), text.size()));
  return text;
}

SigningKey SigningKey::rsa(unsigned bits, unsigned exponent) {
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_BITS, &bits),
                                   OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_E, &exponent),
                                   OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  check(EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_params(context, parameters) == 1 &&
            EVP_PKEY_generate(context, &key) == 1,
        "a test makes RSA keys");
  EVP_PKEY_CTX_free(context);
  return SigningKey(key);
}

SigningKey SigningKey::p256() { return SigningKey(EVP_EC_gen("P-256")); }
SigningKey SigningKey::ed25519() {
  return SigningKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

std::string SigningKey::algorithm() const {
  const int kind = EVP_PKEY_get_base_id(key_.get());
  return kind == EVP_PKEY_RSA ? "RS256" : (kind == EVP_PKEY_EC ? "ES256" : "EdDSA");
}

std::string SigningKey::sign(std::string_view message) const {
  const bool ed25519 = algorithm() == "EdDSA";
  const std::string signature =
      sign_with(key_.get(), message, ed25519 ? nullptr : EVP_sha256(), false);
  return algorithm() == "ES256" ? to_raw(signature) : signature;
}

std::string SigningKey::sign_rsa(std::string_view message, const EVP_MD* digest, bool pss) const {
  return sign_with(key_.get(), message, digest, pss);
}

std::string SigningKey::sign_block(std::string_view block) const {
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr);
  std::size_t size = block.size();
  std::string signature(size, '\0');
  check(EVP_PKEY_sign_init(context) == 1 &&
            EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) == 1 &&
            EVP_PKEY_sign(context, data(signature), &size, data(block), block.size()) == 1,
        "a test signs a block");
  EVP_PKEY_CTX_free(context);
  return signature;
}

json::object SigningKey::jwk(std::string_view id) const {
  json::object jwk{{"kid", id}, {"use", "sig"}, {"alg", algorithm()}};
  const auto put = [&](std::string_view name, std::string_view bytes) {
    jwk[name] = to_base64url(bytes);
  };
  if (algorithm() == "RS256") {
    jwk["kty"] = "RSA";
    put("n", number_of(key_.get(), OSSL_PKEY_PARAM_RSA_N));
    put("e", number_of(key_.get(), OSSL_PKEY_PARAM_RSA_E));
  } else if (algorithm() == "ES256") {
    jwk["kty"] = "EC";
    jwk["crv"] = "P-256";
    put("x", number_of(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32));
    put("y", number_of(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32));
  } else {
    jwk["kty"] = "OKP";
    jwk["crv"] = "Ed25519";
    put("x", public_raw());
  }
  return jwk;
}

std::string SigningKey::pem() const {
  BIO* const memory = BIO_new(BIO_s_mem());
  check(PEM_write_bio_PUBKEY(memory, key_.get()) == 1, "a key is written");
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(memory);
  return pem;
}

std::string SigningKey::der() const {
  unsigned char* bytes = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &bytes);
  std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

std::string SigningKey::public_raw() const {
  std::string raw(32, '\0');
  std::size_t size = raw.size();
  check(EVP_PKEY_get_raw_public_key(key_.get(), data(raw), &size) == 1,
        "Ed25519 keys are 32 bytes");
  return raw;
}

std::string key_set_text(std::initializer_list<json::object> keys) {
  json::array list;
  for (const json::object& key : keys) {
    list.push_back(key);
  }
  return json::serialize(json::object{{"keys", list}});
}

KeySet key_set(std::initializer_list<json::object> keys) {
  Result<KeySet> set = parse_key_set(key_set_text(keys));
  check(set.has_value() && set->notes.empty(), "the test's keys are good");
  return *std::move(set);
}

std::string sign_texts(std::string_view header, std::string_view payload, const SigningKey& key) {
  const std::string signed_text = to_base64url(header) + "." + to_base64url(payload);
  return signed_text + "." + to_base64url(key.sign(signed_text));
}

const TestIssuer& TestIssuer::get() {
  static const TestIssuer issuer;
  return issuer;
}

json::object TestIssuer::header(std::string_view algorithm, std::string_view id) {
  return {{"alg", algorithm}, {"kid", id}, {"typ", "JWT"}};
}

json::object TestIssuer::payload() const {
  return {{"iss", rules.issuer},
          {"sub", "4711"},
          {"aud", "skerry"},
          {"exp", kNowS + 600},
          {"nbf", kNowS - 10},
          {"iat", kNowS - 10},
          {"groups", json::array{"vision-team", "everybody"}}};
}

std::string TestIssuer::token(json::object changes) const {
  json::object all = payload();
  for (const auto& change : changes) {
    if (change.value().is_null()) {
      all.erase(change.key());
    } else {
      all[change.key()] = change.value();
    }
  }
  return token_of(json::serialize(all));
}

std::string TestIssuer::token_by(const SigningKey& key, std::string_view id) const {
  return sign_texts(json::serialize(header(key.algorithm(), id)), json::serialize(payload()), key);
}

std::string TestIssuer::token_of(std::string_view text) const {
  return sign_texts(json::serialize(header("EdDSA", "ed25519-1")), text, ed25519);
}

std::string TestIssuer::token_with_header(std::string_view text) const {
  return sign_texts(text, json::serialize(payload()), ed25519);
}

}  // namespace skerry::oidc
