// digest.h: SHA-256, random bytes from the operating system, hex and base64.
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
