#include "controller/auth/token_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/crc32c.h"
#include "common/digest.h"

namespace skerry::auth {

namespace {

constexpr std::size_t kIdBytes = 5;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSumDigits = 8;

std::string_view prefix(TokenKind kind) { return kind == TokenKind::kCaller ? "sky_" : "skyjoin_"; }

bool is_hex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string sum_of(std::string_view text) { return fmt::format("{:08x}", crc32c(text)); }

}  // namespace

FreshToken make_token(TokenKind kind) {
  FreshToken fresh;
  fresh.token.id = to_hex(random_bytes(kIdBytes));
  const std::string secret = to_hex(random_bytes(kSecretBytes));
  fresh.token.secret_hash = sha256(secret);
  fresh.text = fmt::format("{}{}_{}", prefix(kind), fresh.token.id, secret);
  fresh.text += sum_of(fresh.text);
  return fresh;
}

Result<TokenText> read_token(TokenKind kind, std::string_view text) {
  const std::string_view front = prefix(kind);
  const std::size_t id_at = front.size();
  const std::size_t secret_at = id_at + 2 * kIdBytes + 1;
  const std::size_t sum_at = secret_at + 2 * kSecretBytes;
  if (!text.starts_with(front)) {
    return fail(ErrorCode::kUnauthenticated, fmt::format("a token begins with {}", front));
  }
  if (text.size() != sum_at + kSumDigits || text[secret_at - 1] != '_' ||
      text.substr(sum_at) != sum_of(text.substr(0, sum_at)) ||
      !is_hex(text.substr(id_at, 2 * kIdBytes)) ||
      !is_hex(text.substr(secret_at, 2 * kSecretBytes))) {
    return fail(ErrorCode::kUnauthenticated, "the token was cut or mistyped on its way");
  }
  return TokenText{.id = std::string(text.substr(id_at, 2 * kIdBytes)),
                   .secret_hash = sha256(text.substr(secret_at, 2 * kSecretBytes))};
}

}  // namespace skerry::auth
