#include "controller/identity/registry.h"

#include <fmt/format.h>

#include "common/pki/csr.h"
#include "common/pki/verify.h"

namespace skerry::identity {

Result<std::string> Registry::key_of(std::string_view csr) const {
  const auto key = pki::read_csr(csr);
  return key ? Result<std::string>(key->digest()) : fail(key.error());
}

Result<std::string> Registry::key_of_renewal(std::string_view node, std::string_view certificate,
                                             std::string_view csr, Instant now) const {
  const auto chain = pki::parse_chain(certificate);
  const auto key = pki::read_csr(csr);
  if (!chain || !key) {
    return fail(chain ? key.error() : chain.error());
  }
  if (Status holds = pki::verify(*chain, believed(now), pki::Purpose::kNodeRenews, now); !holds) {
    return fail(std::move(holds).error());
  }
  if (chain->front().node() != node) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("the certificate is that of node '{}', not of '{}'",
                            chain->front().node(), node.substr(0, 80)));
  }
  if (chain->front().key_digest() != key->digest()) {
    return fail(ErrorCode::kPermissionDenied,
                "the request is signed with another key than the certificate's");
  }
  return key->digest();
}

Result<api::NodePapers> Registry::issue(std::string_view node, std::string_view csr,
                                        Instant now) const {
  const auto key = pki::read_csr(csr);
  if (!key) {
    return fail(key.error());
  }
  const std::scoped_lock lock(mutex_);
  if (agents_.empty()) {
    return fail(ErrorCode::kUnavailable, "the agents' port is not open yet; try again");
  }
  const auto chain = authorities_.signer(now).sign_node(*key, node, now);
  if (!chain) {
    return fail(chain.error());
  }
  const pki::TrustBundle bundle = authorities_.believed(now);
  return api::NodePapers{.agents = agents_,
                         .certificate = pki::to_pem(*chain),
                         .authorities = bundle.to_pem(),
                         .trust_domain = bundle.trust_domain(),
                         .expires_at = chain->front().not_after()};
}

std::string Registry::fingerprint(Instant now) const {
  const std::scoped_lock lock(mutex_);
  return authorities_.signer(now).certificate().fingerprint();
}

pki::TrustBundle Registry::believed(Instant now) const {
  const std::scoped_lock lock(mutex_);
  return authorities_.believed(now);
}

Result<pki::TlsIdentity> Registry::controller_identity(const pki::ControllerNames& names,
                                                       Instant now) const {
  pki::PrivateKey key = pki::PrivateKey::generate();
  const std::scoped_lock lock(mutex_);
  auto chain = authorities_.signer(now).sign_controller(key.public_key(), names, now);
  if (!chain) {
    return fail(std::move(chain).error());
  }
  return pki::TlsIdentity{.key = std::move(key), .chain = *std::move(chain)};
}

std::vector<api::AuthorityState> Registry::authorities(Instant now) const {
  const std::scoped_lock lock(mutex_);
  const std::string signing = authorities_.signer(now).certificate().fingerprint();
  std::vector<api::AuthorityState> states;
  bool past = true;
  for (const pki::Authority* authority : authorities_.all()) {
    const pki::Certificate& certificate = authority->certificate();
    const bool signs = certificate.fingerprint() == signing;
    states.push_back({.fingerprint = certificate.fingerprint(),
                      .state = signs  ? "signing"
                               : past ? "retired"
                                      : "announced",
                      .signs_from = authority->signs_from(),
                      .expires_at = certificate.not_after()});
    past = past && !signs;
  }
  return states;
}

Status Registry::rotate(Instant now, Duration announcement) {
  const std::scoped_lock lock(mutex_);
  Status rotated = authorities_.rotate(now, announcement);
  revision_ += rotated ? 1 : 0;
  return rotated;
}

Status Registry::forget(const std::string& fingerprint) {
  const std::scoped_lock lock(mutex_);
  Status forgotten = authorities_.forget(fingerprint);
  revision_ += forgotten ? 1 : 0;
  return forgotten;
}

Status Registry::prune(Instant now) {
  const std::scoped_lock lock(mutex_);
  return authorities_.prune(now);
}

void Registry::advertise(std::string agents) {
  const std::scoped_lock lock(mutex_);
  agents_ = std::move(agents);
}

std::uint64_t Registry::revision() const {
  const std::scoped_lock lock(mutex_);
  return revision_;
}

}  // namespace skerry::identity
