// site_job.h: a job of a site as it travels to the controller: the bytes that the site's store has of it.
//
// Pure functions; any thread.

#pragma once

#include <string>

#include "common/error.h"
#include "controller/core/records.h"

namespace skerry::records {

struct SiteJobBytes {
  JobId id;
  std::string job;
  std::string task;
  std::string result;  // empty: it has not ended
};

SiteJobBytes encode_site_job(const core::SiteJobRecords& records);
// kCorrupt names the part that does not decode. The weights are checked to be some: a preference from
// elsewhere has passed no API of ours.
Result<core::SiteJobRecords> decode_site_job(const SiteJobBytes& bytes);

}  // namespace skerry::records
