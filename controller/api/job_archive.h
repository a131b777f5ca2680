// job_archive.h: what the store keeps of jobs and the core does not hold in memory.
//
// Implemented by the daemon over controller/store. Calls may block on the disk; handlers make them
// on the file pool.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "controller/core/records.h"

namespace skerry::api {

// A decision's place in the order of jobs and their attempts.
struct DecisionPlace {
  JobId job;
  std::uint32_t attempt = 0;
};

class JobArchive {
 public:
  virtual ~JobArchive() = default;

  // The result with its output's bytes, or its blob. kNotFound; kCorrupt.
  virtual Result<core::ResultRecord> result(JobId id) const = 0;
  // Of all attempts, in order; empty if none were stored. kCorrupt.
  virtual Result<std::vector<core::DecisionRecord>> decisions(JobId id) const = 0;
  // Of all jobs, oldest job first, from behind that place (nullopt: the first) on. A short answer
  // means that these are the last. kCorrupt.
  virtual Result<std::vector<core::DecisionRecord>> decisions_after(
      std::optional<DecisionPlace> place, std::size_t limit) const = 0;
  // Lines of the audit trail with numbers above that one. kCorrupt.
  virtual Result<std::vector<core::AuditRecord>> audit_after(std::uint64_t seq,
                                                             std::size_t limit) const = 0;
};

}  // namespace skerry::api
