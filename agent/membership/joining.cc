#include "agent/membership/joining.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "agent/membership/rest.h"
#include "common/json_fields.h"
#include "common/pki/csr.h"
#include "common/pki/verify.h"

namespace skerry::agent {

namespace {

namespace json = boost::json;

struct Answer {
  std::string agents;
  std::string certificate;
  std::string authorities;
  std::string trust_domain;
};

ErrorCode code_of(int status) {
  switch (status) {
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kPermissionDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 409:
      return ErrorCode::kConflict;
    case 429:
    case 503:
      return ErrorCode::kUnavailable;
    default:
      return status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument;
  }
}

std::unexpected<Error> refused(const RestAnswer& answer) {
  boost::system::error_code broken;
  const json::value document = json::parse(answer.body, broken);
  const json::value* detail = nullptr;
  if (!broken && document.is_object()) {
    detail = document.get_object().if_contains("detail");
  }
  return fail(code_of(answer.status),
              detail != nullptr && detail->is_string()
                  ? std::string(detail->get_string())
                  : fmt::format("the controller answered with status {}", answer.status));
}

Result<Answer> read_answer(const RestAnswer& answer) {
  if (answer.status != 200 && answer.status != 201) {
    return refused(answer);
  }
  boost::system::error_code broken;
  const json::value document = json::parse(answer.body, broken);
  std::vector<FieldIssue> issues;
  JsonFields fields(&document, "", issues);
  Answer read{.agents = fields.required_text("agents"),
              .certificate = fields.required_text("certificate"),
              .authorities = fields.required_text("authorities"),
              .trust_domain = fields.required_text("trust_domain")};
  if (broken || !issues.empty()) {
    return fail(ErrorCode::kCorrupt, "what answered is no controller of this version");
  }
  return read;
}

// The identity that the answer makes of the key, if the answer's authorities vouch for it as that node.
Result<pki::TlsIdentity> identity_of(const Answer& answer, const pki::PrivateKey& key,
                                     const std::string& node, Instant now) {
  auto chain = pki::parse_chain(answer.certificate);
  const auto trust = pki::TrustBundle::from_pem(answer.trust_domain, answer.authorities);
  if (!chain || !trust) {
    return fail(chain ? trust.error() : chain.error());
  }
  if (Status holds = pki::verify(*chain, *trust, pki::Purpose::kNodeConnects, now); !holds) {
    return fail(std::move(holds).error());
  }
  if (chain->front().node() != node || chain->front().key_digest() != key.public_key().digest()) {
    return fail(ErrorCode::kUnauthenticated,
                "the controller answered with the certificate of somebody else");
  }
  return pki::TlsIdentity{.key = key, .chain = *std::move(chain)};
}

// ":PORT" is at the host of the URL.
std::string agents_at(const std::string& agents, const std::string& url) {
  if (!agents.starts_with(':')) {
    return agents;
  }
  std::string host = url.substr(url.find("://") + 3);
  host = host.substr(0, host.find('/'));
  const std::size_t colon = host.rfind(':');
  if (colon != std::string::npos && host.find(']', colon) == std::string::npos) {
    host.resize(colon);
  }
  return host + agents;
}

}  // namespace

Result<Membership> join(const Papers& papers, const JoinRequest& request, Instant now) {
  if (request.line.authority.empty() && request.ca_file.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "to join, an authority's fingerprint or a ca_file must say who the controller is");
  }
  const auto key = papers.key_to_join();
  if (!key) {
    return fail(key.error());
  }
  RestTrust trust{.ca_file = request.ca_file};
  if (request.ca_file.empty()) {
    trust.check = [&](std::span<const pki::Certificate> chain) -> Status {
      const auto pin = pki::pinned(chain, request.line.authority);
      return pin ? pki::verify(chain, *pin, pki::Purpose::kControllerServes, now)
                 : fail(pin.error());
    };
  }
  const auto posted = post(
      request.line.url, fmt::format("/api/v1/nodes/{}:enrol", request.node),
      json::serialize(json::object{{"token", request.line.token}, {"csr", pki::make_csr(*key)}}),
      trust);
  if (!posted) {
    return fail(posted.error());
  }
  const auto answer = read_answer(*posted);
  if (!answer) {
    return fail(answer.error());
  }
  const auto identity = identity_of(*answer, *key, request.node, now);
  if (!identity) {
    return fail(identity.error());
  }
  // Whoever answered must be the installation that the line names, also where REST is believed by others.
  if (!request.line.authority.empty()) {
    if (const auto pin = pki::pinned(identity->chain, request.line.authority); !pin) {
      return fail(pin.error());
    }
  }
  Membership membership{.node = request.node,
                        .url = request.line.url,
                        .ca_file = request.ca_file,
                        .agents = agents_at(answer->agents, request.line.url)};
  if (Status saved = papers.save(*identity, answer->authorities); !saved) {
    return fail(std::move(saved).error());
  }
  if (Status saved = papers.save(membership); !saved) {
    return fail(std::move(saved).error());
  }
  return membership;
}

Status renew(const Papers& papers, Instant now) {
  const auto membership = papers.membership();
  const auto identity = papers.identity();
  if (!membership || !identity) {
    return fail(membership ? identity.error() : membership.error());
  }
  if (!*membership) {
    return fail(ErrorCode::kNotFound, "this machine has not joined");
  }
  const auto bundle = papers.trust(identity->chain.front().id().trust_domain);
  if (!bundle) {
    return fail(bundle.error());
  }
  RestTrust trust{.ca_file = (*membership)->ca_file};
  if (trust.ca_file.empty()) {
    trust.check = [&](std::span<const pki::Certificate> chain) {
      return pki::verify(chain, *bundle, pki::Purpose::kControllerServes, now);
    };
  }
  const auto posted =
      post((*membership)->url, fmt::format("/api/v1/nodes/{}:renew", (*membership)->node),
           json::serialize(json::object{{"certificate", pki::to_pem(identity->chain)},
                                        {"csr", pki::make_csr(identity->key)}}),
           trust);
  if (!posted) {
    return fail(posted.error());
  }
  const auto answer = read_answer(*posted);
  if (!answer) {
    return fail(answer.error());
  }
  const auto renewed = identity_of(*answer, identity->key, (*membership)->node, now);
  if (!renewed) {
    return fail(renewed.error());
  }
  return papers.save(*renewed, answer->authorities);
}

Instant renewal_time(Instant not_before, Instant not_after, double random) {
  const double life_s = to_seconds(since(not_before, not_after));
  return not_before + duration_from_seconds(life_s * (0.4 + 0.2 * random));
}

}  // namespace skerry::agent
