#include "controller/oidc/jwt.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <cmath>
#include <optional>

#include "controller/oidc/base64url.h"
#include "controller/oidc/strict_json.h"

namespace skerry::oidc {

namespace json = boost::json;

namespace {

constexpr std::size_t kMostHeaderText = 2048;  // encoded
constexpr JsonBounds kHeaderBounds = {.bytes = kMostHeaderText, .depth = 1, .values = 32};
constexpr JsonBounds kClaimBounds = {.bytes = kMostTokenBytes, .depth = 8, .values = 4000};
constexpr std::size_t kMostSubjectBytes = 255;
constexpr std::size_t kMostAudiences = 32;
constexpr double kLastSecond = 253'402'300'799.0;  // of the year 9999

// Members of a header that would have us believe a key of the token's own, fetch one, unpack or decrypt something,
// or keep to rules that we do not know (RFC 7515, 4.1; RFC 7516, 4.1; RFC 7797).
constexpr auto kRefusedMembers = std::to_array<std::string_view>(
    {"jku", "jwk", "x5u", "x5c", "crit", "b64", "cty", "zip", "enc", "epk"});

std::unexpected<Error> refused(std::string_view why) {
  return fail(ErrorCode::kUnauthenticated, fmt::format("the token is refused: {}", why));
}

std::string_view text_of(const json::object& object, std::string_view name) {
  const json::value* const member = object.if_contains(name);
  return member != nullptr && member->is_string() ? std::string_view(member->get_string()) : "";
}

// Tokens of other kinds that the same issuer signs (logout tokens, security events, proofs of possession) name
// themselves here (RFC 8725, 3.11).
bool is_known_type(const json::object& header) {
  std::string type(text_of(header, "typ"));
  std::ranges::transform(type, type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  constexpr std::string_view kOptional = "application/";  // RFC 7515, 4.1.9
  const std::string_view name =
      type.starts_with(kOptional) ? std::string_view(type).substr(kOptional.size()) : type;
  return !header.contains("typ") || name == "jwt" || name == "at+jwt";
}

Result<json::object> read_header(std::string_view encoded) {
  if (encoded.size() > kMostHeaderText) {
    return refused(fmt::format("its header has more than {} characters", kMostHeaderText));
  }
  const Result<std::string> text = from_base64url(encoded);
  if (!text) {
    return refused("its header is not canonical base64url");
  }
  Result<json::object> header = parse_strict_object(*text, kHeaderBounds);
  if (!header) {
    return refused("its header " + header.error().message);
  }
  for (const std::string_view name : kRefusedMembers) {
    if (header->contains(name)) {
      return refused(fmt::format("its header has '{}'", name));
    }
  }
  if (!is_known_type(*header)) {
    return refused("its header's 'typ' is neither JWT nor at+jwt");
  }
  return header;
}

// A NumericDate (RFC 7519, 2), to the microsecond.
Result<Instant> time_of(const json::object& claims, std::string_view name) {
  const json::value* const member = claims.if_contains(name);
  if (member == nullptr) {
    return refused(fmt::format("it has no '{}'", name));
  }
  const double seconds = member->is_number() ? member->to_number<double>() : std::nan("");
  if (!(seconds >= 0 && seconds <= kLastSecond)) {  // also what is no number
    return refused(fmt::format("its '{}' is not a number of seconds since 1970", name));
  }
  return Instant(duration_from_seconds(seconds));
}

Status check_times(const Claims& claims, const Rules& rules, Instant now) {
  if (now >= claims.expires_at + rules.skew) {
    return refused("it has expired");
  }
  if (now + rules.skew < claims.not_before || now + rules.skew < claims.issued_at) {
    return refused("it is not valid yet");
  }
  if (claims.expires_at <= claims.issued_at || claims.expires_at <= claims.not_before) {
    return refused("it expires before it begins");
  }
  if (claims.expires_at - claims.issued_at > rules.longest_life) {
    return refused(
        fmt::format("it is valid for longer than {:.0f} s", to_seconds(rules.longest_life)));
  }
  return {};
}

Status check_audience(const json::object& claims, const Rules& rules) {
  const auto is_ours = [&](const json::value& audience) {
    return std::ranges::find(rules.audiences, std::string_view(audience.get_string())) !=
           rules.audiences.end();
  };
  const json::value* const member = claims.if_contains("aud");
  if (member == nullptr) {
    return refused("it has no 'aud'");
  }
  if (member->is_string()) {
    return is_ours(*member) ? Status{} : refused("it is for another audience");
  }
  const json::array* const list = member->if_array();
  if (list == nullptr || list->size() > kMostAudiences ||
      !std::ranges::all_of(*list,
                           [](const json::value& audience) { return audience.is_string(); })) {
    return refused(
        fmt::format("its 'aud' is neither a text nor a list of at most {} texts", kMostAudiences));
  }
  return std::ranges::any_of(*list, is_ours) ? Status{} : refused("it is for another audience");
}

bool is_subject(std::string_view text) {
  return !text.empty() && text.size() <= kMostSubjectBytes &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

Result<Claims> read_claims(json::object all, const Rules& rules) {
  Claims claims;
  claims.issuer = text_of(all, "iss");
  claims.subject = text_of(all, "sub");
  if (claims.issuer.empty() || claims.issuer != rules.issuer) {
    return refused("it is of another issuer");
  }
  if (!is_subject(claims.subject)) {
    return refused(
        fmt::format("its 'sub' is not 1 to {} printable ASCII characters", kMostSubjectBytes));
  }
  if (Status audience = check_audience(all, rules); !audience) {
    return fail(std::move(audience).error());
  }
  const Result<Instant> expires_at = time_of(all, "exp");
  const Result<Instant> issued_at = time_of(all, "iat");
  const bool assumed = !rules.not_before_required && !all.contains("nbf");
  const Result<Instant> not_before = assumed ? issued_at : time_of(all, "nbf");
  for (const auto* time : {&expires_at, &issued_at, &not_before}) {
    if (!*time) {
      return fail(time->error());
    }
  }
  claims.expires_at = *expires_at;
  claims.issued_at = *issued_at;
  claims.not_before = *not_before;
  claims.all = std::move(all);
  return claims;
}

}  // namespace

Result<UnverifiedToken> read_token(std::string_view text) {
  if (text.size() > kMostTokenBytes) {
    return refused(fmt::format("it has more than {} bytes", kMostTokenBytes));
  }
  const std::size_t first = text.find('.');
  const std::size_t second = first == text.npos ? text.npos : text.find('.', first + 1);
  if (second == text.npos || text.find('.', second + 1) != text.npos) {
    return refused("it has not three parts");
  }
  const Result<json::object> header = read_header(text.substr(0, first));
  if (!header) {
    return fail(header.error());
  }
  UnverifiedToken token{.key_id = std::string(text_of(*header, "kid")),
                        .algorithm = std::string(text_of(*header, "alg")),
                        .signed_text = text.substr(0, second),
                        .payload = text.substr(first + 1, second - first - 1),
                        .signature = text.substr(second + 1)};
  if (token.key_id.empty() || token.key_id.size() > kMostKeyIdBytes) {
    return refused(
        fmt::format("its header's 'kid' is not a text of 1 to {} bytes", kMostKeyIdBytes));
  }
  return token;
}

Result<Claims> verify(const UnverifiedToken& token, const PublicKey& key, const Rules& rules,
                      Instant now) {
  if (token.algorithm != to_string(key.algorithm())) {
    return refused(fmt::format("its header's 'alg' is not {}, by which its key signs",
                               to_string(key.algorithm())));
  }
  const std::size_t encoded_bytes = (key.signature_bytes() * 8 + 5) / 6;
  if (token.signature.size() != encoded_bytes) {
    return refused("its signature has not the length of one by its key");
  }
  const Result<std::string> signature = from_base64url(token.signature);
  if (!signature) {
    return refused("its signature is not canonical base64url");
  }
  if (!key.verifies(token.signed_text, *signature)) {
    return refused("its signature is wrong");
  }
  const Result<std::string> text = from_base64url(token.payload);
  if (!text) {
    return refused("its payload is not canonical base64url");
  }
  Result<json::object> all = parse_strict_object(*text, kClaimBounds);
  if (!all) {
    return refused("its payload " + all.error().message);
  }
  Result<Claims> claims = read_claims(*std::move(all), rules);
  if (!claims) {
    return claims;
  }
  if (Status times = check_times(*claims, rules, now); !times) {
    return fail(std::move(times).error());
  }
  return claims;
}

Result<Claims> verify(std::string_view text, const KeySet& keys, const Rules& rules, Instant now) {
  const Result<UnverifiedToken> token = read_token(text);
  if (!token) {
    return fail(token.error());
  }
  const PublicKey* const key = keys.find(token->key_id);
  return key == nullptr ? refused("its issuer has no key of this id")
                        : verify(*token, *key, rules, now);
}

}  // namespace skerry::oidc
