// peer_id.h: who a certificate speaks for, as the URI in it:
//
//   spiffe://TRUST_DOMAIN/node/NAME      a node's agent
//   spiffe://TRUST_DOMAIN/controller     the controller
//
// The form is that of SPIFFE ids (https://github.com/spiffe/spiffe, SPIFFE-ID.md), read strictly: what
// has a port, a query, escapes, capitals or further segments is nobody. Values; pure.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry::pki {

enum class Role : std::uint8_t {
  kController,
  kNode,
  kAuthority,  // signs certificates; has no id
};
std::string_view to_string(Role role);  // "controller", "node", "authority"

struct PeerId {
  Role role = Role::kNode;   // never kAuthority
  std::string trust_domain;  // of one installation: 1 to 255 of [a-z0-9._-]
  std::string node = {};     // empty for the controller

  std::string uri() const;
  bool operator==(const PeerId&) const = default;
};

Result<PeerId> parse_peer_id(std::string_view uri);     // kInvalidArgument
Status validate_trust_domain(std::string_view domain);  // kInvalidArgument

}  // namespace skerry::pki
