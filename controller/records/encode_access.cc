// encode_access.cc: who may do what, and who did, as bytes of the store.

#include <records.pb.h>

#include "controller/records/parts.h"

namespace skerry::records {

namespace {

using store::Table;
using store::Write;

template <typename Message>
Write put(Table table, std::string key, const Message& message) {
  return {table, std::move(key), message.SerializeAsString()};
}

void fill(stored::Token& to, const core::Token& from) {
  to.set_secret_hash(from.secret_hash);
  for (const core::Grant& grant : from.grants) {
    to.add_grants()->set_role(std::string(to_string(grant.role)));
    to.mutable_grants()->rbegin()->set_ns(grant.ns);
  }
  to.set_description(from.description);
  to.set_created_by(from.created_by);
  to.set_created_us(to_us(from.created_at));
  to.set_expires_us(to_us(from.expires_at));
  to.set_last_used_us(to_us(from.last_used_at));
}

}  // namespace

Write encode(const core::TokenRecord& record) {
  stored::Token token;
  fill(token, record.token);
  return put(Table::kToken, record.token.id, token);
}
Write encode(const core::DeleteTokenRecord& record) {
  return {Table::kToken, record.id, std::nullopt};
}

Write encode(const core::JoinTokenRecord& record) {
  const core::JoinToken& from = record.token;
  stored::JoinToken token;
  token.set_secret_hash(from.secret_hash);
  token.set_name_pattern(from.name_pattern);
  token.mutable_labels()->insert(from.labels.begin(), from.labels.end());
  token.set_site(from.site);
  token.set_created_by(from.created_by);
  token.set_created_us(to_us(from.created_at));
  token.set_expires_us(to_us(from.expires_at));
  token.set_used_by_key(from.used_by_key);
  token.set_used_for(from.used_for);
  return put(Table::kJoinToken, from.id, token);
}
Write encode(const core::DeleteJoinTokenRecord& record) {
  return {Table::kJoinToken, record.id, std::nullopt};
}

Write encode(const core::NodeIdentityRecord& record) {
  const core::NodeIdentity& from = record.identity;
  stored::NodeIdentity identity;
  identity.set_key(from.key);
  identity.mutable_labels()->insert(from.labels.begin(), from.labels.end());
  identity.set_site(from.site);
  identity.set_enrolled_us(to_us(from.enrolled_at));
  identity.set_renewed_us(to_us(from.renewed_at));
  identity.set_revoked(from.revoked);
  return put(Table::kNodeIdentity, from.node, identity);
}

Write encode(const core::AuditRecord& record) {
  stored::Audit audit;
  audit.set_line(record.line);
  audit.set_hash(record.hash);
  audit.set_seal(record.seal);
  return put(Table::kAudit, audit_key(record.seq), audit);
}
Write encode(const core::DeleteAuditRecord& record) {
  return {Table::kAudit, audit_key(record.seq), std::nullopt};
}

}  // namespace skerry::records
