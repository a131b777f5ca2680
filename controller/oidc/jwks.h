// jwks.h: the keys that an issuer publishes, as a JSON Web Key Set (RFC 7517).
//
// Issuers publish keys that are not for us: for encryption, of other algorithms, for programs that know more. Such keys
// are left out with a note, and so are weak ones, those without an id, and a second one of the same id; what cannot be read
// as a set at all is an error. A set that has no key for us is no error: by it nothing is verified.
//
// Pure values. A set is made once and then only read, from any thread.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "controller/oidc/public_key.h"

namespace skerry::oidc {

constexpr std::size_t kMostSetBytes =
    256 * 1024;  // with chains of certificates, which we do not read
constexpr std::size_t kMostKeys = 100;
constexpr std::size_t kMostKeyIdBytes = 256;

struct KeySet {
  struct Key {
    std::string id;
    PublicKey key;
  };

  std::vector<Key> keys;
  std::vector<std::string>
      notes;  // what was left out, for the log: "key 2 ('a1'): an RSA key of 1024 bits; ..."

  const PublicKey* find(std::string_view id) const;  // nullptr: there is none
};

// kInvalidArgument, kTooLarge.
Result<KeySet> parse_key_set(std::string_view text);

}  // namespace skerry::oidc
