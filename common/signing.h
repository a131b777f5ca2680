// signing.h: Ed25519 (RFC 8032) over statements about models: who made a variant's bytes, under which name,
// for which namespace.
//
// What is signed is a text of five lines, each ended by a line feed: "skerry model 1", then the digest, the
// model's name, the variant's name and the namespace. None of them can hold a line feed, so a text has one
// reading. A signature is 64 bytes and a public key 32, written in base64; a private key is kept as PKCS#8 in
// PEM (RFC 8410), as OpenSSL and others write it.
//
// Wraps OpenSSL's libcrypto. Thread-safe; keys are values.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry {

struct ModelStatement {
  std::string digest;  // "sha256:..."
  std::string model;
  std::string variant;
  std::string ns;
};
std::string to_signed_text(const ModelStatement& statement);

class PublicKey {
 public:
  // 32 bytes in base64; kInvalidArgument.
  static Result<PublicKey> parse(std::string_view base64);

  // Whether the holder of the private key signed that text. `signature`: 64 bytes in base64; anything else
  // is no signature.
  bool verifies(std::string_view text, std::string_view signature) const;
  std::string base64() const;

 private:
  friend class PrivateKey;
  explicit PublicKey(std::string bytes) : bytes_(std::move(bytes)) {}

  std::string bytes_;
};

class PrivateKey {
 public:
  static PrivateKey generate();
  // kInvalidArgument: it is no Ed25519 key, or one behind a passphrase.
  static Result<PrivateKey> from_pem(const std::string& pem);

  PublicKey public_key() const;
  std::string sign(std::string_view text) const;  // in base64
  std::string pem() const;                        // the secret itself

 private:
  struct Free {
    void operator()(void* key) const;
  };
  using Handle = std::unique_ptr<void, Free>;  // an EVP_PKEY
  explicit PrivateKey(Handle handle) : handle_(std::move(handle)) {}

  Handle handle_;
};

}  // namespace skerry
