#include "common/pki/trust.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/pki/openssl.h"

namespace skerry::pki {

TrustBundle::TrustBundle(std::string trust_domain, Chain authorities)
    : trust_domain_(std::move(trust_domain)),
      authorities_(std::move(authorities)),
      store_(X509_STORE_new(), X509_STORE_free) {
  check(store_ != nullptr, "there is memory for a trust store");
  for (const Certificate& authority : authorities_) {
    check(X509_STORE_add_cert(store_.get(), authority.native()) == 1,
          "a trust store takes a certificate");
  }
}

Result<TrustBundle> TrustBundle::make(std::string trust_domain, Chain authorities) {
  if (Status valid = validate_trust_domain(trust_domain); !valid) {
    return fail(std::move(valid).error());
  }
  if (authorities.empty() || authorities.size() > kMaxAuthorities) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a trust bundle has 1 to {} authorities, not {}", kMaxAuthorities,
                            authorities.size()));
  }
  for (const Certificate& one : authorities) {
    if (one.role() != Role::kAuthority) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("'{}' in the trust bundle is no authority: it may not sign", one.subject()));
    }
  }
  return TrustBundle(std::move(trust_domain), std::move(authorities));
}

Result<TrustBundle> TrustBundle::from_pem(std::string trust_domain, std::string_view pem) {
  auto authorities = parse_chain(pem);
  if (!authorities) {
    return fail(std::move(authorities).error());
  }
  return make(std::move(trust_domain), *std::move(authorities));
}

Result<TrustBundle> pinned(std::span<const Certificate> chain, std::string_view fingerprint) {
  const auto found = std::ranges::find_if(chain, [&](const Certificate& one) {
    return one.role() == Role::kAuthority && one.fingerprint() == fingerprint;
  });
  if (found == chain.end()) {
    return fail(ErrorCode::kUnauthenticated,
                fmt::format("the controller shows no authority with the fingerprint {} of the join "
                            "token: it is another controller, or somebody is in between",
                            fingerprint.substr(0, 80)));
  }
  return TrustBundle::make(chain.front().id().trust_domain, {*found});
}

}  // namespace skerry::pki
