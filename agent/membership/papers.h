// papers.h: what a node that has joined keeps on its disk, and where.
//
//   <state_dir>/node.pem          its key and certificate, for this user alone (pki::to_pem)
//   <state_dir>/authorities.pem   whom it believes
//   <state_dir>/membership.json   its name, and where REST and the agents' port are
//
// A key is made once for a node and stays: with it alone an answer that was lost can be asked for again.
// Blocking. One thread at a time.

#pragma once

#include <optional>
#include <string>

#include "common/error.h"
#include "common/pki/tls_context.h"
#include "common/pki/trust.h"

namespace skerry::agent {

struct Membership {
  std::string node;
  std::string url;           // of REST, where certificates are renewed
  std::string ca_file = {};  // whom REST is believed by; empty: the installation's own authorities
  std::string agents;        // "HOST:PORT"

  bool operator==(const Membership&) const = default;
};

class Papers {
 public:
  explicit Papers(std::string folder) : folder_(std::move(folder)) {}

  std::string identity_file() const { return folder_ + "/node.pem"; }
  std::string trust_file() const { return folder_ + "/authorities.pem"; }

  // nullopt: it has not joined. kCorrupt, kIo.
  Result<std::optional<Membership>> membership() const;
  Result<pki::TlsIdentity> identity() const;  // errors name the file
  Result<pki::TrustBundle> trust(const std::string& trust_domain) const;

  // The key to join with: that of the last attempt, or a new one, durable when this returns.
  Result<pki::PrivateKey> key_to_join() const;
  // Durable when they return.
  Status save(const pki::TlsIdentity& identity, const std::string& authorities_pem) const;
  Status save(const Membership& membership) const;

 private:
  std::string folder_;
};

}  // namespace skerry::agent
