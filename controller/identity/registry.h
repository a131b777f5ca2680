// registry.h: the controller's authorities at work: they sign for nodes and for the controller itself.
//
// Thread-safe. Made by the daemon's main before the API and the agents' port, and outlives both.

#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/pki/authorities.h"
#include "common/pki/tls_context.h"
#include "common/pki/trust.h"
#include "controller/api/node_authority.h"

namespace skerry::identity {

class Registry final : public api::NodeAuthority {
 public:
  explicit Registry(pki::Authorities authorities) : authorities_(std::move(authorities)) {}

  Result<std::string> key_of(std::string_view csr) const override;
  Result<std::string> key_of_renewal(std::string_view node, std::string_view certificate,
                                     std::string_view csr, Instant now) const override;
  Result<api::NodePapers> issue(std::string_view node, std::string_view csr,
                                Instant now) const override;
  std::optional<core::JoinGrant> join_grant(std::string_view key) const override {
    return find_grant_ ? find_grant_(key) : std::nullopt;
  }
  std::string fingerprint(Instant now) const override;

  std::vector<api::AuthorityState> authorities(Instant now) const override;
  Status rotate(Instant now, Duration announcement) override;
  Status forget(const std::string& fingerprint) override;

  // Who finds what a key grants; before the first request.
  using FindGrant = std::function<std::optional<core::JoinGrant>(std::string_view key)>;
  void set_grants(FindGrant find) { find_grant_ = std::move(find); }
  // "HOST:PORT" of the agents' port as nodes are to dial it; without a host, the one by which they reached
  // REST. Until it is set nobody can join.
  void advertise(std::string agents);
  // Grows with every change of the authorities.
  std::uint64_t revision() const;
  // Drops those that nobody can have a certificate of any more. kIo.
  Status prune(Instant now);
  // Whom nodes' certificates are held against.
  pki::TrustBundle believed(Instant now) const;
  // A fresh key with a certificate of the controller's, which nothing else ever sees.
  Result<pki::TlsIdentity> controller_identity(const pki::ControllerNames& names,
                                               Instant now) const;

 private:
  FindGrant find_grant_;
  mutable std::mutex mutex_;  // of authorities_: they are for one thread at a time
  pki::Authorities authorities_;
  std::string agents_;
  std::uint64_t revision_ = 1;
};

}  // namespace skerry::identity
