#include "common/pki/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "common/check.h"
#include "common/pki/key.h"
#include "common/pki/openssl.h"

namespace skerry::pki {
namespace {

using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, Freeing<X509_STORE_CTX_free>>;

// 112 bits: authorities may have RSA keys of 2048 bits; no MD5, no SHA-1.
constexpr int kSecurityLevel = 2;

// What the first certificate must be for a purpose.
struct Wanted {
  Role role;
  std::uint32_t usage;
  int openssl_purpose;
  const char* usage_name;
};
Wanted wanted_for(Purpose purpose) {
  return purpose == Purpose::kControllerServes
             ? Wanted{Role::kController, XKU_SSL_SERVER, X509_PURPOSE_SSL_SERVER, "serverAuth"}
             : Wanted{Role::kNode, XKU_SSL_CLIENT, X509_PURPOSE_SSL_CLIENT, "clientAuth"};
}

std::string describe(const Certificate& certificate) {
  return fmt::format("the certificate of {}", certificate.role() == Role::kAuthority
                                                  ? "the authority " + certificate.subject()
                                                  : certificate.id().uri());
}

std::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::kUnauthenticated, std::move(message));
}

std::unexpected<Error> expired(const Certificate& certificate, Instant now) {
  return refuse(fmt::format(
      "{} expired at {}, and it is {} now: {}", describe(certificate),
      to_text(certificate.not_after()), to_text(now),
      certificate.role() == Role::kNode         ? "the agent renews it with its key, or joins again"
      : certificate.role() == Role::kController ? "the controller renews it when it starts"
                                                : "rotate the authority"));
}

// A cause that OpenSSL found, at a certificate of the chain.
std::unexpected<Error> refuse(int cause, const Certificate& at, Instant now) {
  switch (cause) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return expired(at, now);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return refuse(fmt::format("{} is valid from {} on, and it is {} now: compare the clocks",
                                describe(at), to_text(at.not_before()), to_text(now)));
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return refuse(
          fmt::format("{} is signed by '{}', which is not trusted here: join again if the "
                      "authority was replaced",
                      describe(at), at.issuer()));
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return refuse(fmt::format("{} was changed or forged: its signature is wrong", describe(at)));
    case X509_V_ERR_INVALID_PURPOSE:
      return refuse(fmt::format("{} is not for this use", describe(at)));
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_INVALID_NON_CA:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
      return refuse(fmt::format("{} is no authority that may sign what stands below it ({})",
                                describe(at), X509_verify_cert_error_string(cause)));
    default:
      return refuse(
          fmt::format("{} is refused: {}", describe(at), X509_verify_cert_error_string(cause)));
  }
}

// Signatures, times, constraints and usages from the first certificate up to an authority of the
// bundle, all at one moment.
Status chain_holds(std::span<const Certificate> chain, const TrustBundle& bundle, int purpose,
                   Instant at) {
  const std::unique_ptr<STACK_OF(X509), Freeing<[](STACK_OF(X509) * s) { sk_X509_free(s); }>>
      others(sk_X509_new_null());
  const StoreContextPtr context(X509_STORE_CTX_new());
  check(others != nullptr && context != nullptr, "there is memory to verify a chain");
  for (const Certificate& other : chain.subspan(1)) {
    check(sk_X509_push(others.get(), other.native()) > 0, "there is memory to verify a chain");
  }
  check(X509_STORE_CTX_init(context.get(), bundle.native(), chain.front().native(), others.get()) ==
            1,
        "a verification can begin");
  X509_VERIFY_PARAM* const rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(rules, unix_seconds(at));
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_purpose(rules, purpose);
  X509_VERIFY_PARAM_set_auth_level(rules, kSecurityLevel);
  X509_VERIFY_PARAM_set_depth(rules, static_cast<int>(kMaxChain));
  const bool holds = X509_verify_cert(context.get()) == 1;
  openssl_reason();
  if (holds) {
    return {};
  }
  X509* const culprit = X509_STORE_CTX_get_current_cert(context.get());
  const int cause = X509_STORE_CTX_get_error(context.get());
  if (culprit != nullptr) {
    if (const auto named = Certificate::from_native(culprit)) {
      return refuse(cause, *named, at);
    }
  }
  return refuse(cause, chain.front(), at);
}

Status names_whom(const Certificate& leaf, const TrustBundle& bundle, const Wanted& wanted) {
  if (leaf.role() != wanted.role) {
    return refuse(fmt::format("{} is no {}'s", describe(leaf), to_string(wanted.role)));
  }
  if (leaf.id().trust_domain != bundle.trust_domain()) {
    return refuse(fmt::format("{} is of another installation than '{}'", describe(leaf),
                              bundle.trust_domain()));
  }
  // All bits are set if it says nothing about usages.
  if (X509_get_extended_key_usage(leaf.native()) != wanted.usage) {
    return refuse(
        fmt::format("{} is not for {} and nothing else", describe(leaf), wanted.usage_name));
  }
  if (!is_p256(X509_get0_pubkey(leaf.native()))) {
    return refuse(fmt::format("{} has a key that is not ECDSA on P-256", describe(leaf)));
  }
  return {};
}

}  // namespace

Status verify(std::span<const Certificate> chain, const TrustBundle& bundle, Purpose purpose,
              Instant now) {
  if (chain.empty() || chain.size() > kMaxChain) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a chain has 1 to {} certificates, not {}", kMaxChain, chain.size()));
  }
  const Certificate& leaf = chain.front();
  const Wanted wanted = wanted_for(purpose);
  Instant at = now;
  if (purpose == Purpose::kNodeRenews && now >= leaf.not_after()) {
    if (now - leaf.not_after() > kRenewalGrace) {
      return expired(leaf, now);
    }
    at = leaf.not_after() - seconds(1);  // the last one at which it proved something
  }
  if (Status holds = chain_holds(chain, bundle, wanted.openssl_purpose, at); !holds) {
    return holds;
  }
  return names_whom(leaf, bundle, wanted);
}

}  // namespace skerry::pki
