// parts.h: decoding of single tables, for load.cc; and the keys' bytes.

#pragma once

#include <boost/endian/conversion.hpp>
#include <cstring>
#include <string>
#include <string_view>

#include "controller/records/codec.h"

namespace skerry::records {

// Big-endian, so that keys sort like numbers.
template <typename Number>
void put_number(std::string& key, Number number) {
  const Number big = boost::endian::native_to_big(number);
  key.append(reinterpret_cast<const char*>(&big), sizeof(big));
}

template <typename Number>
Number number_at(std::string_view key, std::size_t offset) {
  Number big = 0;
  std::memcpy(&big, key.data() + offset, sizeof(big));
  return boost::endian::big_to_native(big);
}

Result<JobId> job_of(std::string_view key);

Result<core::JobRecord> decode_job(std::string_view key, std::string_view value);
Result<core::TaskRecord> decode_task(std::string_view key, std::string_view value);
Result<core::NodeRecord> decode_node(std::string_view value);
Result<core::ModelRecord> decode_model(std::string_view value);
Result<core::IdempotencyRecord> decode_idempotency(std::string_view key, std::string_view value);
Result<core::MetaRecord> decode_meta(std::string_view value);
Result<core::PolicyRecord> decode_policy(std::string_view key, std::string_view value);

Result<core::Token> decode_token(std::string_view key, std::string_view value);
Result<core::JoinToken> decode_join_token(std::string_view key, std::string_view value);
Result<core::NodeIdentity> decode_identity(std::string_view key, std::string_view value);

Status load_audit_ends(const store::Store& store, core::StoredState& state);

inline constexpr std::string_view kMetaKey = "core";

// ---- encode_access.cc

store::Write encode(const core::TokenRecord& record);
store::Write encode(const core::DeleteTokenRecord& record);
store::Write encode(const core::JoinTokenRecord& record);
store::Write encode(const core::DeleteJoinTokenRecord& record);
store::Write encode(const core::NodeIdentityRecord& record);
store::Write encode(const core::AuditRecord& record);
store::Write encode(const core::DeleteAuditRecord& record);

}  // namespace skerry::records
