// digest.h: SHA-256 and what is made with it, random bytes from the operating system, hex and base64.
//
// Wraps OpenSSL's libcrypto. Thread-safe.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry {

std::string to_hex(std::string_view bytes);
std::string to_base64(std::string_view bytes);
// Standard alphabet, padding required; kInvalidArgument.
Result<std::string> from_base64(std::string_view text);

// "sha256:<64 hex>": the name of a blob.
std::string sha256_digest(std::string_view bytes);
bool is_digest(std::string_view text);
// The same as 32 bytes.
std::string sha256(std::string_view bytes);
// 32 bytes that only who has the key can make of these (RFC 2104 with SHA-256).
std::string hmac_sha256(std::string_view key, std::string_view bytes);
// Whether they are the same, in a time that does not tell where they differ.
bool same_secret(std::string_view a, std::string_view b);

// SHA-256 of a stream of pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view bytes);
  std::string finish();  // "sha256:<64 hex>"; call once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// count bytes from the operating system's generator; aborts if it fails, since nothing safe can follow.
std::string random_bytes(std::size_t count);
// A seed for Random (common/random.h), from the same source.
std::uint64_t random_seed();

}  // namespace skerry
