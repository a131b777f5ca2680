// token_text.h: the texts that callers and machines hold: "sky_ID_SECRET".
//
// "sky_" tells secret scanners what it is (and "skyjoin_" for tokens to join by); ID names the token in
// lists and in the audit trail; SECRET is 256 random bits in hex, followed by the eight
// digits of a CRC-32C over all before them, so that a cut or mistyped token is told from a wrong one without asking
// the store. Kept is only the SHA-256 of the secret: with 256 random bits nothing slower is needed.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry::auth {

enum class TokenKind : std::uint8_t { kCaller, kJoin };

struct TokenText {
  std::string id;           // ten characters, 0-9 a-z
  std::string secret_hash;  // 32 bytes
};

struct FreshToken {
  TokenText token;
  std::string text;  // shown once, kept nowhere
};
FreshToken make_token(TokenKind kind);

// kUnauthenticated says what is wrong with the text, and nothing of what is known.
Result<TokenText> read_token(TokenKind kind, std::string_view text);

}  // namespace skerry::auth
