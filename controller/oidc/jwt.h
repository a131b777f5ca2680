// jwt.h: verifies signed JSON Web Tokens (RFC 7519, RFC 7515), strictly (RFC 8725).
//
// A token passes in this order, and what is refused early costs little: its size; three parts; a small header of plain
// members, none of which brings or fetches keys, wraps another token or asks for extensions; a key that we know by its id,
// and the algorithm of that key; the length of the signature, then the signature; and only then, now that an issuer has
// written it, the claims. A stranger can make us decode a header and check one signature, no more.
//
// Pure: keys, rules and the time are given. Refusals are kUnauthenticated, say why, and repeat nothing of the token.
// Thread-safety: functions on values, call from anywhere.

#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/time.h"
#include "controller/oidc/jwks.h"

namespace skerry::oidc {

constexpr std::size_t kMostTokenBytes = 16 * 1024;

// What an issuer's tokens must say.
struct Rules {
  std::string issuer;                  // `iss`, byte by byte
  std::vector<std::string> audiences;  // one of them must be in `aud`
  Duration skew = seconds(60);         // by which clocks may differ
  Duration longest_life = hours(24);   // from `iat` to `exp`
  // Without it `nbf` may be missing, for issuers that never write it; then `iat` counts as it.
  bool not_before_required = true;
};

struct Claims {
  std::string issuer;
  std::string subject;  // 1 to 255 printable ASCII characters (OpenID Connect Core, 2)
  Instant issued_at;
  Instant not_before;
  Instant expires_at;
  boost::json::value all;  // an object, as the issuer wrote it: for rules on further ones
};

// A token whose shape is right, and about which nothing else is known. Refers to the text.
struct UnverifiedToken {
  std::string key_id;
  std::string algorithm;
  std::string_view signed_text;  // header and payload, with the dot between them
  std::string_view payload;      // still encoded, as is the signature
  std::string_view signature;
};

Result<UnverifiedToken> read_token(std::string_view text);
Result<Claims> verify(const UnverifiedToken& token, const PublicKey& key, const Rules& rules,
                      Instant now);

// Both, with the key that the token names.
Result<Claims> verify(std::string_view text, const KeySet& keys, const Rules& rules, Instant now);

}  // namespace skerry::oidc
