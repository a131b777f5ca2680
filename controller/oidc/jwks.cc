#include "controller/oidc/jwks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>

#include "controller/oidc/base64url.h"
#include "controller/oidc/strict_json.h"

namespace skerry::oidc {

namespace json = boost::json;

namespace {

constexpr JsonBounds kSetBounds = {.bytes = kMostSetBytes, .depth = 8, .values = 10'000};
constexpr std::size_t kToldIdBytes = 40;

std::unexpected<Error> left_out(std::string why) {
  return fail(ErrorCode::kInvalidArgument, std::move(why));
}

// A member that must be a text if it is there; empty if it is not.
Result<std::string_view> text_of(const json::object& key, std::string_view name) {
  const json::value* const member = key.if_contains(name);
  if (member == nullptr) {
    return std::string_view();
  }
  const json::string* const text = member->if_string();
  if (text == nullptr) {
    return left_out(fmt::format("'{}' is not a text", name));
  }
  return std::string_view(*text);
}

Result<std::string> number_of(const json::object& key, std::string_view name) {
  const Result<std::string_view> text = text_of(key, name);
  if (!text) {
    return fail(text.error());
  }
  Result<std::string> bytes = from_base64url(*text);
  if (!bytes || bytes->empty()) {
    return left_out(fmt::format("'{}' is missing or not base64url", name));
  }
  return bytes;
}

// Whether a key is published for checking signatures (RFC 7517, 4.2 and 4.3).
Status check_purpose(const json::object& key) {
  const Result<std::string_view> use = text_of(key, "use");
  if (!use || (key.contains("use") && *use != "sig")) {
    return left_out("'use' is not sig");
  }
  if (const json::value* const operations = key.if_contains("key_ops")) {
    const json::array* const list = operations->if_array();
    if (list == nullptr || std::ranges::find(*list, json::value("verify")) == list->end()) {
      return left_out("'key_ops' has no verify");
    }
  }
  for (const char* name : {"d", "k"}) {
    if (key.contains(name)) {
      return left_out(fmt::format("'{}' is a secret, which is published with it", name));
    }
  }
  return {};
}

Result<PublicKey> make_key(const json::object& key) {
  const Result<std::string_view> kind = text_of(key, "kty");
  const Result<std::string_view> curve = text_of(key, "crv");
  if (!kind || !curve) {
    return fail(kind ? curve.error() : kind.error());
  }
  const auto from = [&](std::string_view first, std::string_view second,
                        auto make) -> Result<PublicKey> {
    const Result<std::string> a = number_of(key, first);
    const Result<std::string> b = number_of(key, second);
    return a && b ? make(*a, *b) : Result<PublicKey>(fail(a ? b.error() : a.error()));
  };
  if (*kind == "RSA") {
    return from("n", "e", PublicKey::rsa);
  }
  if (*kind == "EC" && *curve == "P-256") {
    return from("x", "y", PublicKey::p256);
  }
  if (*kind == "OKP" && *curve == "Ed25519") {
    const Result<std::string> point = number_of(key, "x");
    return point ? PublicKey::ed25519(*point) : Result<PublicKey>(fail(point.error()));
  }
  return left_out("its kind is none of RSA, EC on P-256 and OKP on Ed25519");
}

Result<KeySet::Key> read_key(const json::object& key) {
  if (Status purpose = check_purpose(key); !purpose) {
    return fail(std::move(purpose).error());
  }
  const Result<std::string_view> id = text_of(key, "kid");
  if (!id || id->empty() || id->size() > kMostKeyIdBytes) {
    return left_out(fmt::format("'kid' is not a text of 1 to {} bytes, so no token can name it",
                                kMostKeyIdBytes));
  }
  Result<PublicKey> made = make_key(key);
  if (!made) {
    return fail(std::move(made).error());
  }
  const Result<std::string_view> algorithm = text_of(key, "alg");
  if (!algorithm || (key.contains("alg") && *algorithm != to_string(made->algorithm()))) {
    return left_out(fmt::format("'alg' is not {}", to_string(made->algorithm())));
  }
  return KeySet::Key{.id = std::string(*id), .key = *std::move(made)};
}

// Ids for people, of whatever bytes an issuer has put there.
std::string told_id(const json::value& key) {
  const json::value* const id = key.is_object() ? key.get_object().if_contains("kid") : nullptr;
  std::string told(id != nullptr && id->is_string()
                       ? std::string_view(id->get_string()).substr(0, kToldIdBytes)
                       : "");
  std::ranges::replace_if(told, [](char c) { return c < ' ' || c > '~'; }, '?');
  return told.empty() ? "" : fmt::format(" ('{}')", told);
}

}  // namespace

const PublicKey* KeySet::find(std::string_view id) const {
  const auto found = std::ranges::find(keys, id, &Key::id);
  return found == keys.end() ? nullptr : &found->key;
}

Result<KeySet> parse_key_set(std::string_view text) {
  const Result<json::object> document = parse_strict_object(text, kSetBounds);
  if (!document) {
    return fail(document.error().code, "the set of keys " + document.error().message);
  }
  const json::value* const member = document->if_contains("keys");
  if (member == nullptr || !member->is_array() || member->get_array().size() > kMostKeys) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the set of keys has no list 'keys' of at most {}", kMostKeys));
  }
  KeySet set;
  for (std::size_t i = 0; i < member->get_array().size(); ++i) {
    const json::value& key = member->get_array()[i];
    Result<KeySet::Key> read =
        key.is_object() ? read_key(key.get_object()) : left_out("it is not an object");
    if (read && set.find(read->id) != nullptr) {
      read = left_out("an earlier key has its id");
    }
    if (read) {
      set.keys.push_back(*std::move(read));
    } else {
      set.notes.push_back(
          fmt::format("key {}{} is left out: {}", i + 1, told_id(key), read.error().message));
    }
  }
  return set;
}

}  // namespace skerry::oidc
