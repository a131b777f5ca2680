// tls_world.h: an authority, the controller's and nodes' certificates, and who of them is a member: what a
// test of the agents' port needs beside the port.

#pragma once

#include <mutex>
#include <set>
#include <string>

#include "common/pki/authority.h"
#include "common/pki/minting.h"
#include "common/pki/tls_context.h"
#include "common/pki/trust.h"
#include "common/time.h"
#include "controller/hub/door/door.h"

namespace skerry::door {

// Everybody is a member until its name is revoked.
class Members final : public Admission {
 public:
  Status admit(const pki::Certificate& certificate) override {
    const std::lock_guard lock(mutex_);
    last_admitted_ = certificate.fingerprint();
    return revoked_.contains(certificate.node())
               ? fail(ErrorCode::kPermissionDenied, "its certificate is revoked")
               : Status();
  }
  std::string last_admitted() const {
    const std::lock_guard lock(mutex_);
    return last_admitted_;
  }
  void revoke(const std::string& node) {
    const std::lock_guard lock(mutex_);
    revoked_.insert(node);
  }

 private:
  mutable std::mutex mutex_;
  std::string last_admitted_;
  std::set<std::string> revoked_;
};

class TlsWorld {
 public:
  static constexpr const char* kDomain = "test.skerry";
  static constexpr const char* kHost = "controller.test";

  explicit TlsWorld(Instant now) : now_(now), authority_(pki::Authority::make(kDomain, now)) {}

  DoorKeys keys() const { return keys_of(authority_, {authority_.certificate()}); }
  // Shows a certificate of `signer`, and believes these.
  DoorKeys keys_of(const pki::Authority& signer, pki::Chain believed) const {
    pki::PrivateKey key = pki::PrivateKey::generate();
    pki::Chain chain =
        *signer.sign_controller(key.public_key(), {.dns_names = {kHost, "localhost"}}, now_);
    return {.identity = {.key = std::move(key), .chain = std::move(chain)},
            .trust = *pki::TrustBundle::make(kDomain, std::move(believed))};
  }
  pki::TlsIdentity node(const std::string& name) const { return node_of(authority_, name); }
  pki::TlsIdentity node_of(const pki::Authority& signer, const std::string& name,
                           Duration life = pki::kNodeLife) const {
    pki::PrivateKey key = pki::PrivateKey::generate();
    pki::Chain chain = *signer.sign_node(key.public_key(), name, now_, life);
    return {.key = std::move(key), .chain = std::move(chain)};
  }

  // An authority that is signed by another one's key, and not by its own.
  pki::Authority intermediate() const {
    const pki::Authority root = pki::Authority::make("company", now_);
    pki::PrivateKey key = pki::PrivateKey::generate();
    pki::Certificate certificate =
        pki::mint({.subject = "an intermediate",
                   .role = pki::Role::kAuthority,
                   .id = {},
                   .not_before = now_ - minutes(5),
                   .not_after = now_ + hours(48)},
                  key.native(), &root.certificate(), root.key().native());
    return *pki::Authority::of(kDomain, std::move(key),
                               {std::move(certificate), root.certificate()});
  }
  const pki::Authority& authority() const { return authority_; }
  Instant now() const { return now_; }
  Members members;

 private:
  const Instant now_;
  const pki::Authority authority_;
};

}  // namespace skerry::door
