// jwt_fuzz.cc: tokens of strangers, and what an issuer's key has signed, however odd; sets of keys.
//
// The first letter says what follows: t a token as it is, h a header and p a payload that the target signs, k a set of keys.

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <cmath>
#include <memory>

#include "common/digest.h"
#include "controller/oidc/base64url.h"
#include "controller/oidc/jwt.h"
#include "controller/oidc/role_rules.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/json_mutator.h"

namespace skerry::fuzz {

namespace {

namespace json = boost::json;

constexpr std::size_t kFixedBytes = 64 * 1024;
constexpr std::size_t kKeyTimes =
    100;  // a key of a hundred bytes of JSON is some kilobytes in OpenSSL
constexpr std::int64_t kNowS = 1'800'000'000;
constexpr Instant kNow = instant_from_us(kNowS * 1'000'000);
constexpr std::string_view kGoodHeader = R"({"alg":"EdDSA","kid":"k"})";
constexpr std::string_view kGoodPayload =
    R"({"iss":"i","sub":"s","aud":"a","iat":1799999990,"nbf":1799999990,"exp":1800000600})";

constexpr auto kWords =
    std::to_array<std::string_view>({"alg",
                                     "EdDSA",
                                     "RS256",
                                     "ES256",
                                     "none",
                                     "kid",
                                     "k",
                                     "typ",
                                     "JWT",
                                     "at+jwt",
                                     "crit",
                                     "jku",
                                     "jwk",
                                     "cty",
                                     "iss",
                                     "i",
                                     "sub",
                                     "s",
                                     "aud",
                                     "a",
                                     "iat",
                                     "nbf",
                                     "exp",
                                     "groups",
                                     "g",
                                     "email",
                                     "email_verified",
                                     "scope",
                                     "keys",
                                     "kty",
                                     "RSA",
                                     "EC",
                                     "OKP",
                                     "crv",
                                     "P-256",
                                     "Ed25519",
                                     "x",
                                     "y",
                                     "n",
                                     "e",
                                     "AQAB",
                                     "use",
                                     "sig",
                                     "enc",
                                     "key_ops",
                                     "verify",
                                     "d",
                                     "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                                     "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                                     "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});

const oidc::Rules& rules() {
  static const oidc::Rules rules{.issuer = "i", .audiences = {"a"}};
  return rules;
}

// The key of RFC 8037, appendix A.1: the same in every run, so that an input alone reproduces.
EVP_PKEY* signing_key() {
  static EVP_PKEY* const key = [] {
    const std::string secret =
        oidc::from_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").value();
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                        reinterpret_cast<const unsigned char*>(secret.data()),
                                        secret.size());
  }();
  return key;
}

const oidc::KeySet& keys() {
  static const oidc::KeySet keys = {
      .keys = {
          {"k", oidc::PublicKey::ed25519(
                    oidc::from_base64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").value())
                    .value()}}};
  return keys;
}

std::string encode(std::string_view bytes) {
  std::string text = to_base64(bytes);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  text.erase(std::min(text.find('='), text.size()));
  return text;
}

std::string sign(std::string_view header, std::string_view payload) {
  const std::string text = encode(header) + "." + encode(payload);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  check(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, signing_key()) == 1 &&
            EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                           reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1,
        "the target signs");
  return text + "." + encode(signature);
}

Result<oidc::Claims> verify(const std::string& token) {
  return oidc::verify(token, keys(), rules(), kNow);
}

void feed_token(const std::string& token) {
  static const std::string good = sign(kGoodHeader, kGoodPayload);
  check(verify(good).has_value(), "the good token is accepted");
  check(!verify(token) || token == good, "nobody but the key's holder makes tokens");
}

bool is_text(const json::object& object, std::string_view name, std::string_view text) {
  const json::value* const member = object.if_contains(name);
  return member != nullptr && member->is_string() && std::string_view(member->get_string()) == text;
}

void feed_header(std::string_view header) {
  if (verify(sign(header, kGoodPayload))) {
    const json::object object = json::parse(header).as_object();
    check(is_text(object, "alg", "EdDSA") && is_text(object, "kid", "k"),
          "the header names the key and its algorithm");
    for (const char* member : {"crit", "jku", "jwk", "x5u", "x5c", "cty", "b64", "zip", "enc"}) {
      check(!object.contains(member), "no header brings keys or extensions");
    }
  }
}

double second_of(const json::object& claims, std::string_view name) {
  const json::value* const member = claims.if_contains(name);
  return member != nullptr && member->is_number() ? member->to_number<double>() : std::nan("");
}

void feed_payload(std::string_view payload) {
  const auto claims = verify(sign(kGoodHeader, payload));
  if (!claims) {
    return;
  }
  const json::object object = json::parse(payload).as_object();
  const json::value& audience = object.at("aud");
  check(is_text(object, "iss", "i") && claims->issuer == "i", "the issuer is ours");
  check(is_text(object, "aud", "a") ||
            (audience.is_array() && std::ranges::count(audience.get_array(), json::value("a")) > 0),
        "the audience is ours");
  check(second_of(object, "exp") > kNowS - 60.001, "it has not expired");
  check(second_of(object, "nbf") < kNowS + 60.001 && second_of(object, "iat") < kNowS + 60.001,
        "it is valid by now");
  const std::vector<oidc::RoleRule> role_rules = {
      {.claim = "groups", .value = "g", .role = oidc::Role::kAuditor},
      {.claim = "scope",
       .match = oidc::RoleRule::Match::kHasWord,
       .value = "g",
       .role = oidc::Role::kMetrics},
      {.claim = "/groups/0",
       .match = oidc::RoleRule::Match::kEquals,
       .value = "g",
       .role = oidc::Role::kOperator},
      {.claim = "email",
       .match = oidc::RoleRule::Match::kEquals,
       .value = "g",
       .role = oidc::Role::kClusterAdmin}};
  for (const oidc::Grant& grant : oidc::grants_of(claims->all, role_rules)) {
    check(
        grant.role != oidc::Role::kClusterAdmin || object.at("email_verified") == json::value(true),
        "mail is verified");
  }
}

// A key of each kind, made once before anything is counted: what OpenSSL allocates for the first of them it keeps.
constexpr std::string_view kKeysOfEachKind =
    R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"o","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},)"
    R"({"kty":"EC","crv":"P-256","kid":"e","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},{"kty":"RSA","kid":"r","e":"AQAB",)"
    R"("n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ)"
    R"(S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2Ca)"
    R"(pHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h)"
    R"(4FRWyuXpoQ"}]})";

void check_keys(const oidc::KeySet& set) {
  for (const auto& key : set.keys) {
    check(!key.id.empty() && set.find(key.id) == &key.key, "a key is found by its id");
    check(!key.key.verifies("message", std::string(key.key.signature_bytes(), '\0')),
          "zeros are nobody's signature");
  }
}

void feed_keys(std::string_view text) {
  static const bool warm = [] {
    const auto set = oidc::parse_key_set(kKeysOfEachKind);
    check(set && set->keys.size() == 3, "a key of each kind is taken");
    check_keys(*set);
    return true;
  }();
  check(warm, "OpenSSL has what it keeps");
  const MemoryBound bound(text.size(), kFixedBytes, kKeyTimes);
  const auto set = oidc::parse_key_set(text);
  if (!set) {
    return;
  }
  check(set->keys.size() + set->notes.size() <= oidc::kMostKeys,
        "a set has a bounded number of keys");
  check_keys(*set);
}

// Another number behind one of the times, by which it is just or just not valid.
std::string with_another_time(std::string_view payload, Random& random) {
  static constexpr auto kTimes =
      std::to_array<std::string_view>({R"("exp":)", R"("nbf":)", R"("iat":)"});
  static constexpr auto kFromNowS = std::to_array<std::int64_t>(
      {-100'000, -3600, -61, -60, -59, -1, 0, 1, 59, 60, 61, 3600, 100'000});
  const std::string_view name = kTimes[random.below(kTimes.size())];
  const std::size_t found = payload.find(name);
  std::string changed(payload);
  if (found != payload.npos) {
    const std::size_t at = found + name.size();
    const std::size_t end = std::min(payload.find_first_not_of("0123456789.", at), payload.size());
    changed.replace(at, end - at,
                    std::to_string(kNowS + kFromNowS[random.below(kFromNowS.size())]));
  }
  return changed;
}

}  // namespace

void run(std::string_view input) {
  if (input.empty()) {
    return;
  }
  const std::string_view rest = input.substr(1);
  switch (input.front()) {
    case 't':
      return feed_token(std::string(rest));
    case 'h':
      return feed_header(rest);
    case 'p':
      return feed_payload(rest);
    case 'k':
      return feed_keys(rest);
    default:
      return;
  }
}

std::optional<std::string> mutate(std::string_view input, Random& random) {
  if (input.empty() || input.front() == 't') {
    return std::nullopt;
  }
  std::string_view document = input.substr(1);
  if (input.front() != 'k' &&
      random.chance(0.3)) {  // what is one change away from being accepted tells most
    document = input.front() == 'h' ? kGoodHeader : kGoodPayload;
  }
  if (input.front() == 'p' && random.chance(0.2)) {
    return "p" + with_another_time(document, random);
  }
  const auto changed = mutate_json(document, random, kWords);
  return changed ? std::optional(input.front() + *changed) : std::nullopt;
}

}  // namespace skerry::fuzz
