// key.h: ECDSA keys on the curve P-256, the one kind that nodes and the controller have.
//
// Small, quick to make on a device, and known to every TLS stack. A PublicKey is always on that
// curve: there is no other way to get one. Both are values that share what OpenSSL holds, never change,
// and may be used from any thread.

#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry::pki {

class PublicKey {
 public:
  // kInvalidArgument: not ECDSA on P-256, or its parameters are spelt out instead of named. Takes a
  // reference of its own.
  static Result<PublicKey> from_native(EVP_PKEY* key);

  // SHA-256 of the key as certificates carry it (SubjectPublicKeyInfo, RFC 5280 4.1.2.7):
  // "sha256:<64 hex>".
  std::string digest() const;
  EVP_PKEY* native() const { return key_.get(); }

  bool operator==(const PublicKey& other) const { return digest() == other.digest(); }

 private:
  explicit PublicKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}

  std::shared_ptr<EVP_PKEY> key_;
};

class PrivateKey {
 public:
  static PrivateKey generate();
  // kInvalidArgument: no PEM of a private key, one under a passphrase, or another kind of key.
  static Result<PrivateKey> from_pem(std::string_view pem);

  // PKCS#8 without a passphrase: a secret, for secret_file.h only.
  std::string to_pem() const;
  PublicKey public_key() const;
  EVP_PKEY* native() const { return key_.get(); }

 private:
  explicit PrivateKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}

  std::shared_ptr<EVP_PKEY> key_;
};

// Whether it is ECDSA on P-256, named as such.
bool is_p256(const EVP_PKEY* key);

// SHA-256 of any public key as certificates carry it.
std::string key_digest(const EVP_PKEY* key);

}  // namespace skerry::pki
