// node_authority.h: what signs for nodes, as the API sees it.
//
// Implemented over common/pki by controller/identity. Calls sign and verify, a tenth of a millisecond
// each, so handlers make them off the strand. Thread-safe.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/time.h"
#include "controller/core/access.h"

namespace skerry::api {

// What a node needs to be one; all PEM.
struct NodePapers {
  std::string agents;       // where it connects: "HOST:PORT", or ":PORT" of the host that answers
  std::string certificate;  // with those above it
  std::string authorities;  // whom it believes
  std::string trust_domain;
  Instant expires_at{};
};

// One that signs, is going to, or did.
struct AuthorityState {
  std::string fingerprint;
  std::string state;  // "announced", "signing", "retired"
  Instant signs_from{};
  Instant expires_at{};
};

class NodeAuthority {
 public:
  virtual ~NodeAuthority() = default;

  // The digest of the key whose owner signed the request (pki/csr.h). kInvalidArgument, kTooLarge.
  virtual Result<std::string> key_of(std::string_view csr) const = 0;
  // Likewise of a node that renews: it shows its certificate, which may have expired up to the grace ago
  // (pki/verify.h), and a request with the same key. kUnauthenticated.
  virtual Result<std::string> key_of_renewal(std::string_view node, std::string_view certificate,
                                             std::string_view csr, Instant now) const = 0;
  // Signs for the key of the request, whatever it says. The core has agreed before.
  virtual Result<NodePapers> issue(std::string_view node, std::string_view csr,
                                   Instant now) const = 0;
  // What a key that an operator gave lets a machine be; nullopt: it is no such key.
  virtual std::optional<core::JoinGrant> join_grant(std::string_view key) const = 0;
  // Of the authority that signs now: what a join token pins.
  virtual std::string fingerprint(Instant now) const = 0;

  // In the order in which they sign.
  virtual std::vector<AuthorityState> authorities(Instant now) const = 0;
  // pki::Authorities::rotate() and forget(), which say more.
  virtual Status rotate(Instant now, Duration announcement) = 0;
  virtual Status forget(const std::string& fingerprint) = 0;
};

}  // namespace skerry::api
