// certificate.h: an X.509 certificate taken apart: whom it speaks for, since when, until when.
//
// Reading one proves nothing about it; verify.h does. A Certificate is a value that shares what OpenSSL
// holds, never changes, and may be used from any thread.

#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/pki/peer_id.h"
#include "common/time.h"

namespace skerry::pki {

class Certificate {
 public:
  // kInvalidArgument: it cannot be read, or it is nobody's: neither an authority's nor one with exactly
  // one URI that is an id (peer_id.h). What has a second URI or id is refused too.
  static Result<Certificate> from_pem(std::string_view pem);  // the first of a PEM
  static Result<Certificate> from_der(std::string_view der);  // and nothing behind it
  static Result<Certificate> from_native(X509* certificate);  // takes a reference of its own

  Role role() const { return facts_->role; }
  const PeerId& id() const { return facts_->id; }                 // empty for an authority
  const std::string& node() const { return facts_->id.node; }     // empty unless it is a node's
  const std::string& subject() const { return facts_->subject; }  // for people
  const std::string& issuer() const { return facts_->issuer; }    // for people
  const std::string& serial() const { return facts_->serial; }    // lower-case hex
  Instant not_before() const { return facts_->not_before; }
  Instant not_after() const {
    return facts_->not_after;
  }  // from then on it is expired, as OpenSSL has it
  // SHA-256 of its bytes, "sha256:<64 hex>": what people compare, and what a join token pins.
  const std::string& fingerprint() const { return facts_->fingerprint; }
  // SHA-256 of its public key, as PublicKey::digest().
  const std::string& key_digest() const { return facts_->key_digest; }

  std::string to_pem() const;
  X509* native() const { return facts_->native.get(); }

  bool operator==(const Certificate& other) const { return fingerprint() == other.fingerprint(); }

 private:
  struct Facts {
    std::shared_ptr<X509> native;
    Role role = Role::kAuthority;
    PeerId id;
    std::string subject;
    std::string issuer;
    std::string serial;
    Instant not_before;
    Instant not_after;
    std::string fingerprint;
    std::string key_digest;
  };
  explicit Certificate(std::shared_ptr<const Facts> facts) : facts_(std::move(facts)) {}

  std::shared_ptr<const Facts> facts_;
};

// The certificate of a peer or an authority first, then those that vouch for it, in order.
using Chain = std::vector<Certificate>;

constexpr std::size_t kMaxChain = 8;
constexpr std::size_t kMaxChainBytes = 64 << 10;

// At least one certificate. kInvalidArgument: none, one that cannot be read, or more than kMaxChain or
// kMaxChainBytes. What stands between the PEM blocks is skipped.
Result<Chain> parse_chain(std::string_view pem);
std::string to_pem(std::span<const Certificate> chain);

}  // namespace skerry::pki
