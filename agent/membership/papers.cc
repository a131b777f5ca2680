#include "agent/membership/papers.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "agent/whole_file.h"
#include "common/json_fields.h"
#include "common/pki/secret_file.h"

namespace skerry::agent {

namespace {

namespace json = boost::json;

constexpr const char* kMembership = "membership.json";
constexpr const char* kKeyFile = "/join.key";

std::unexpected<Error> of_file(const std::string& path, Error error) {
  error.message = fmt::format("{}: {}", path, error.message);
  return fail(std::move(error));
}

}  // namespace

Result<std::optional<Membership>> Papers::membership() const {
  const std::string path = folder_ + "/" + kMembership;
  const auto text = read_whole_file(path);
  if (!text) {
    return fail(text.error());
  }
  if (text->empty()) {
    return std::nullopt;
  }
  boost::system::error_code broken;
  const json::value document = json::parse(*text, broken);
  std::vector<FieldIssue> issues;
  JsonFields fields(&document, "", issues);
  Membership membership{.node = fields.required_text("node"),
                        .url = fields.required_text("url"),
                        .ca_file = fields.text("ca_file"),
                        .agents = fields.required_text("agents")};
  fields.finish();
  if (broken || !issues.empty()) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{} is not as skerry-agent join wrote it: join again", path));
  }
  return membership;
}

Result<pki::TlsIdentity> Papers::identity() const {
  const auto pem = pki::read_secret_file(identity_file());
  if (!pem) {
    return fail(pem.error());
  }
  auto identity = pki::identity_from_pem(*pem);
  return identity ? std::move(identity) : of_file(identity_file(), std::move(identity).error());
}

Result<pki::TrustBundle> Papers::trust(const std::string& trust_domain) const {
  const auto pem = read_whole_file(trust_file());
  if (!pem) {
    return fail(pem.error());
  }
  auto bundle = pki::TrustBundle::from_pem(trust_domain, *pem);
  return bundle ? std::move(bundle) : of_file(trust_file(), std::move(bundle).error());
}

Result<pki::PrivateKey> Papers::key_to_join() const {
  const auto kept = pki::read_secret_file(folder_ + kKeyFile);
  if (kept) {
    return pki::PrivateKey::from_pem(*kept);
  }
  if (kept.error().code != ErrorCode::kNotFound) {
    return fail(kept.error());
  }
  pki::PrivateKey key = pki::PrivateKey::generate();
  if (Status written = pki::write_secret_file(folder_ + kKeyFile, key.to_pem()); !written) {
    return fail(std::move(written).error());
  }
  return key;
}

Status Papers::save(const pki::TlsIdentity& identity, const std::string& authorities_pem) const {
  // The authorities first: a new certificate without them would not be of use.
  if (Status saved = replace_whole_file(folder_, "authorities.pem", authorities_pem); !saved) {
    return saved;
  }
  return pki::write_secret_file(identity_file(), pki::to_pem(identity));
}

Status Papers::save(const Membership& membership) const {
  json::object document{
      {"node", membership.node}, {"url", membership.url}, {"agents", membership.agents}};
  if (!membership.ca_file.empty()) {
    document["ca_file"] = membership.ca_file;
  }
  if (Status saved = replace_whole_file(folder_, kMembership, json::serialize(document) + "\n");
      !saved) {
    return saved;
  }
  // It is in node.pem by now, and the next time to join is another one.
  const Status removed = pki::remove_secret_file(folder_ + kKeyFile);
  return removed || removed.error().code == ErrorCode::kNotFound ? Status() : removed;
}

}  // namespace skerry::agent
