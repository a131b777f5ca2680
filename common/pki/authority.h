// authority.h: signs the certificates of nodes and of the controller.
//
// The authority decides every name, usage and time in what it signs; who asks brings a public key and
// nothing else. Serial numbers are random, so no counter has to survive. A value that shares its key,
// never changes, and may be used from any thread.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/pki/certificate.h"
#include "common/pki/key.h"
#include "common/pki/verify.h"
#include "common/time.h"

namespace skerry::pki {

constexpr Duration kNodeLife = hours(24);
constexpr Duration kControllerLife = hours(24 * 7);
constexpr Duration kLongestLife = hours(24 * 30);  // of anything that an authority signs
constexpr Duration kAuthorityLife = hours(24 * 3650);

// By what callers of the controller's port reach it.
struct ControllerNames {
  std::vector<std::string> dns_names = {};  // "skerry.example.com"
  std::vector<std::string> addresses = {};  // "192.0.2.1", "2001:db8::1"
};

class Authority {
 public:
  // A new one, which signs itself and whatever it is asked to from signs_from on.
  static Authority make(std::string trust_domain, Instant signs_from,
                        Duration life = kAuthorityLife);
  // One that is there: its key, and its certificate with those above it. kInvalidArgument: the key is not
  // that of the first certificate, which must be an authority's.
  static Result<Authority> of(std::string trust_domain, PrivateKey key, Chain chain);

  const std::string& trust_domain() const { return trust_domain_; }
  const Certificate& certificate() const { return chain_.front(); }
  const PrivateKey& key() const { return key_; }
  const Chain& chain() const { return chain_; }
  Instant signs_from() const;

  // The new certificate, then this authority's and those above it. `life` is at most kLongestLife, and
  // ends with the authority's own. kInvalidArgument: the name or a life that is too long or not a minute;
  // kUnavailable: this authority has expired, or its time has not come.
  Result<Chain> sign_node(const PublicKey& key, std::string_view node, Instant now,
                          Duration life = kNodeLife) const;
  Result<Chain> sign_controller(const PublicKey& key, const ControllerNames& names, Instant now,
                                Duration life = kControllerLife) const;

 private:
  Authority(std::string trust_domain, PrivateKey key, Chain chain);
  struct Order;
  Result<Chain> sign(const PublicKey& key, Order order, Instant now, Duration life) const;

  std::string trust_domain_;
  PrivateKey key_;
  Chain chain_;
};

}  // namespace skerry::pki
