// codec.h: the core's records as keys and bytes of the store, and back.
//
// Keys sort as their ids do, so a scan of a table yields jobs in order of submission and the
// decisions of a job by attempt. Decoding never trusts what it reads: anything that does not parse
// or names an unknown enumerator is kCorrupt.
//
// Pure functions; any thread.

#pragma once

#include <string>
#include <string_view>

#include "common/error.h"
#include "controller/core/records.h"
#include "controller/store/store.h"

namespace skerry::records {

std::string job_key(JobId id);
std::string decision_key(JobId id, std::uint32_t attempt);
std::string audit_key(std::uint64_t seq);

// One batch of the core as one batch of the store.
store::Batch encode(const std::vector<core::RecordWrite>& writes);

Result<core::ResultRecord> decode_result(std::string_view key, std::string_view value);
Result<core::AuditRecord> decode_audit(std::string_view key, std::string_view value);
Result<core::DecisionRecord> decode_decision(std::string_view key, std::string_view value);

// Everything that Core::restore wants, by scans of the store. kCorrupt names the table and the key.
Result<core::StoredState> load(const store::Store& store);

}  // namespace skerry::records
