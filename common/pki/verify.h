// verify.h: whether a chain of certificates proves who somebody is.
//
// The one place that decides it, for both ends of every connection and for renewals. A chain holds if
// it leads to an authority of the bundle, every certificate in it is valid at `now` and may do what it
// does there, the first one names a peer of the bundle's trust domain in the role that the purpose asks
// for, and may be used for that purpose and for no other. Whether it was revoked is not asked here.
//
// Pure; call from anywhere.

#pragma once

#include <cstdint>
#include <span>

#include "common/error.h"
#include "common/pki/certificate.h"
#include "common/pki/trust.h"
#include "common/time.h"

namespace skerry::pki {

enum class Purpose : std::uint8_t {
  kNodeConnects,      // an agent is the client of a connection
  kControllerServes,  // the controller is the server of one
  kNodeRenews,        // as kNodeConnects, up to kRenewalGrace after the certificate expired
};

// How long after its certificate expired a node can still renew it: a site that was cut off comes back
// without a person (docs/decisions/identity.md).
constexpr Duration kRenewalGrace = hours(24 * 30);

// kUnauthenticated, with the cause and what to do about it: not yet valid, expired, signed by nobody
// here, a wrong signature, a usage, role or trust domain that is not for this purpose, an authority
// that may not sign this. kInvalidArgument for an empty chain or one of more than kMaxChain.
Status verify(std::span<const Certificate> chain, const TrustBundle& bundle, Purpose purpose,
              Instant now);

}  // namespace skerry::pki
