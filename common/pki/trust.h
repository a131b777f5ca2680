// trust.h: which authorities are believed, and for which installation.
//
// Several at once while one follows another (authorities.h). Each is believed by itself, whatever
// stands above it: of a company's own chain only the intermediate that was given vouches for nodes,
// and not whatever else the company's root signed. A value; never changes; call from anywhere.

#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/pki/certificate.h"

namespace skerry::pki {

constexpr std::size_t kMaxAuthorities = kMaxChain;

class TrustBundle {
 public:
  // kInvalidArgument: none, more than kMaxAuthorities, one that is no authority, or a trust domain that is malformed.
  static Result<TrustBundle> make(std::string trust_domain, Chain authorities);
  // Of PEM, as it was written by to_pem().
  static Result<TrustBundle> from_pem(std::string trust_domain, std::string_view pem);

  const std::string& trust_domain() const { return trust_domain_; }
  const Chain& authorities() const { return authorities_; }
  std::string to_pem() const { return pki::to_pem(authorities_); }
  X509_STORE* native() const { return store_.get(); }

 private:
  TrustBundle(std::string trust_domain, Chain authorities);

  std::string trust_domain_;
  Chain authorities_;
  std::shared_ptr<X509_STORE> store_;
};

// For who joins and has no bundle yet, but the fingerprint of the authority from its token: the bundle of
// the one authority in the controller's chain that has this fingerprint. The chain is then still to be
// verified against it. kUnauthenticated: none has.
Result<TrustBundle> pinned(std::span<const Certificate> chain, std::string_view fingerprint);

}  // namespace skerry::pki
