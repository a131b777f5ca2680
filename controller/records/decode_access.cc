// Decodes tokens, identities and the audit trail.
#include "controller/records/decoding.h"

namespace skerry::records {

namespace {

constexpr std::size_t kHashBytes = 32;

bool read_grants(const stored::Token& from, std::vector<core::Grant>& to) {
  for (const stored::Grant& grant : from.grants()) {
    const auto role = core::parse_role(grant.role());
    if (!role) {
      return false;
    }
    to.push_back({.role = *role, .ns = grant.ns()});
  }
  return !to.empty();
}

}  // namespace

Result<core::Token> decode_token(std::string_view key, std::string_view value) {
  stored::Token token;
  core::Token result{.id = std::string(key)};
  if (!parse(token, value) || token.secret_hash().size() != kHashBytes ||
      !read_grants(token, result.grants)) {
    return corrupt("token");
  }
  result.secret_hash = token.secret_hash();
  result.description = token.description();
  result.created_by = token.created_by();
  result.created_at = instant_from_us(token.created_us());
  result.expires_at = instant_from_us(token.expires_us());
  result.last_used_at = instant_from_us(token.last_used_us());
  return result;
}

Result<core::JoinToken> decode_join_token(std::string_view key, std::string_view value) {
  stored::JoinToken token;
  if (!parse(token, value) || token.secret_hash().size() != kHashBytes) {
    return corrupt("join token");
  }
  return core::JoinToken{.id = std::string(key),
                         .secret_hash = token.secret_hash(),
                         .name_pattern = token.name_pattern(),
                         .labels = {token.labels().begin(), token.labels().end()},
                         .site = token.site(),
                         .created_by = token.created_by(),
                         .created_at = instant_from_us(token.created_us()),
                         .expires_at = instant_from_us(token.expires_us()),
                         .used_by_key = token.used_by_key(),
                         .used_for = token.used_for()};
}

Result<core::NodeIdentity> decode_identity(std::string_view key, std::string_view value) {
  stored::NodeIdentity identity;
  if (!parse(identity, value) || identity.key().empty()) {
    return corrupt("identity of a node");
  }
  return core::NodeIdentity{.node = std::string(key),
                            .key = identity.key(),
                            .labels = {identity.labels().begin(), identity.labels().end()},
                            .site = identity.site(),
                            .enrolled_at = instant_from_us(identity.enrolled_us()),
                            .renewed_at = instant_from_us(identity.renewed_us()),
                            .revoked = identity.revoked()};
}

Result<core::AuditRecord> decode_audit(std::string_view key, std::string_view value) {
  stored::Audit audit;
  if (key.size() != sizeof(std::uint64_t) || !parse(audit, value) ||
      audit.hash().size() != kHashBytes) {
    return corrupt("line of the audit trail");
  }
  return core::AuditRecord{.seq = number_at<std::uint64_t>(key, 0),
                           .line = audit.line(),
                           .hash = audit.hash(),
                           .seal = audit.seal()};
}

}  // namespace skerry::records
