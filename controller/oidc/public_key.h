// public_key.h: a key that signs tokens, with the one algorithm it signs by.
//
// The algorithm belongs to the key: RSA keys sign by RS256, P-256 keys by ES256, Ed25519 keys by EdDSA (RFC 7518,
// RFC 8037). What a token says of its algorithm is never asked here. Keys that are weak do not come to exist.
//
// Wraps OpenSSL's EVP. Copies share one key; verifying changes nothing of it: call from any thread.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/error.h"

struct evp_pkey_st;

namespace skerry::oidc {

enum class Algorithm : std::uint8_t { kRs256, kEs256, kEdDsa };
std::string_view to_string(Algorithm algorithm);  // "RS256", "ES256", "EdDSA": `alg` of JOSE

constexpr int kLeastRsaBits = 2048;
constexpr int kMostRsaBits = 8192;  // a signature of more takes a millisecond to check

class PublicKey {
 public:
  // Numbers as bytes, the most significant first. kInvalidArgument says what is wrong with it.
  static Result<PublicKey> rsa(std::string_view modulus, std::string_view exponent);
  static Result<PublicKey> p256(std::string_view x, std::string_view y);  // 32 bytes each
  static Result<PublicKey> ed25519(std::string_view point);               // 32 bytes

  Algorithm algorithm() const { return algorithm_; }
  // Of every signature by this key: as many bytes as an RSA modulus has, 64 for the others.
  std::size_t signature_bytes() const;
  // A signature in JOSE's form: for ES256 the two numbers r and s, 32 bytes each.
  bool verifies(std::string_view message, std::string_view signature) const;

 private:
  PublicKey(Algorithm algorithm, std::shared_ptr<evp_pkey_st> key)
      : algorithm_(algorithm), key_(std::move(key)) {}

  Algorithm algorithm_;
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace skerry::oidc
