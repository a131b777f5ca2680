// minting.h: makes certificates, field by field: for authority.cc alone.
//
// Nothing in a certificate comes from who asked for it but its public key.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/pki/certificate.h"
#include "common/time.h"

namespace skerry::pki {

// How far before "now" a certificate's time begins, for peers whose clock is behind.
constexpr Duration kBackdate = minutes(5);

struct CertificatePlan {
  std::string subject;  // the common name, at most 64 characters; for people
  Role role = Role::kNode;
  std::string id;                        // a URI; empty for an authority
  std::vector<std::string> dns_names{};  // checked by the caller
  std::vector<std::string> addresses{};  // the octets, 4 or 16
  Instant not_before;
  Instant not_after;
};

// A random serial number of 128 bits. Signed by the issuer, or by its own key if there is none.
Certificate mint(const CertificatePlan& plan, EVP_PKEY* key, const Certificate* issuer,
                 EVP_PKEY* issuer_key);

}  // namespace skerry::pki
