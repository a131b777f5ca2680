#include "agent/credentials.h"

#include <fmt/format.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <functional>
#include <utility>

#include "agent/whole_file.h"
#include "common/pki/secret_file.h"
#include "common/pki/tls_context.h"
#include "common/pki/trust.h"
#include "common/pki/verify.h"

namespace skerry::agent {
namespace {

namespace tls = grpc::experimental;

// How often gRPC looks at the files. A renewal comes hours before it is needed.
constexpr unsigned int kLookAgainSeconds = 5;

Result<pki::TrustBundle> read_trust(const std::string& path, const std::string& trust_domain) {
  const auto pem = read_whole_file(path);
  if (!pem) {
    return fail(pem.error());
  }
  auto bundle = pki::TrustBundle::from_pem(trust_domain, *pem);
  if (!bundle) {
    return fail(bundle.error().code, fmt::format("{}: {}", path, bundle.error().message));
  }
  return bundle;
}

Result<pki::TlsIdentity> read_identity(const std::string& path) {
  const auto pem = pki::read_secret_file(path);
  if (!pem) {
    return fail(pem.error());
  }
  auto identity = pki::identity_from_pem(*pem);
  if (!identity) {
    return fail(identity.error().code, fmt::format("{}: {}", path, identity.error().message));
  }
  if (identity->chain.front().role() != pki::Role::kNode) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: the certificate is not a node's", path));
  }
  return identity;
}

// Believes the controller, and no host's name: by our own rules, beside gRPC's own verification of the
// chain. Called by gRPC's threads within a handshake.
class ControllerVerifier final : public tls::ExternalCertificateVerifier {
 public:
  ControllerVerifier(std::string trust_file, std::string trust_domain)
      : trust_file_(std::move(trust_file)), trust_domain_(std::move(trust_domain)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* answer) override {
    const grpc::string_ref shown = request->peer_cert_full_chain();
    const Status believed = judge({shown.data(), shown.size()});
    *answer = believed ? grpc::Status::OK
                       : grpc::Status(grpc::StatusCode::UNAUTHENTICATED, believed.error().message);
    return true;  // at once
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  Status judge(std::string_view pem) const {
    const auto chain = pki::parse_chain(pem);
    if (!chain) {
      return fail(chain.error());
    }
    const auto trust = read_trust(trust_file_, trust_domain_);
    if (!trust) {
      return fail(trust.error());
    }
    return pki::verify(*chain, *trust, pki::Purpose::kControllerServes, SystemClock().now());
  }

  const std::string trust_file_;
  const std::string trust_domain_;
};

std::shared_ptr<grpc::ChannelCredentials> tls_credentials(const TlsFiles& files,
                                                          const std::string& trust_domain) {
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(std::make_shared<tls::FileWatcherCertificateProvider>(
      files.identity, files.identity, files.trust, kLookAgainSeconds));
  options.watch_identity_key_cert_pairs();
  options.watch_root_certs();
  options.set_verify_server_certs(true);
  options.set_check_call_host(false);  // the verifier knows better
  options.set_certificate_verifier(
      tls::ExternalCertificateVerifier::Create<ControllerVerifier>(files.trust, trust_domain));
  return tls::TlsCredentials(options);
}

}  // namespace

bool is_loopback(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  const bool octets_only = host.find_first_not_of("0123456789.") == std::string::npos;
  return host == "localhost" || host == "[::1]" || (host.starts_with("127.") && octets_only) ||
         address.starts_with("unix:");
}

Status check_secured(const std::string& controller, bool insecure_dev, const TlsFiles& tls) {
  if (tls.identity.empty() != tls.trust.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "tls.identity and tls.trust belong together: set both, or none");
  }
  if (!tls.is_set() && !insecure_dev && !is_loopback(controller)) {
    return fail(
        ErrorCode::kPermissionDenied,
        fmt::format(
            "the controller {} is not on this machine and the connection would not be encrypted: "
            "join it, or set insecure_dev only on a network you trust",
            controller));
  }
  return {};
}

Result<std::shared_ptr<grpc::ChannelCredentials>> channel_credentials(const std::string& controller,
                                                                      bool insecure_dev,
                                                                      const TlsFiles& tls) {
  if (Status secured = check_secured(controller, insecure_dev, tls); !secured) {
    return fail(std::move(secured).error());
  }
  if (!tls.is_set()) {
    return grpc::InsecureChannelCredentials();
  }
  const auto identity = read_identity(tls.identity);
  if (!identity) {
    return fail(identity.error());
  }
  const std::string& trust_domain = identity->chain.front().id().trust_domain;
  if (const auto trust = read_trust(tls.trust, trust_domain); !trust) {
    return fail(trust.error());
  }
  return tls_credentials(tls, trust_domain);
}

}  // namespace skerry::agent
