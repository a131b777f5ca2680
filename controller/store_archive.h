// store_archive.h: results and decisions of jobs, read from the store for the API.

#pragma once

#include "controller/api/job_archive.h"
#include "controller/store/store.h"

namespace skerry::controller {

class StoreArchive final : public api::JobArchive {
 public:
  explicit StoreArchive(const store::Store& store) : store_(store) {}

  Result<core::ResultRecord> result(JobId id) const override;
  Result<std::vector<core::DecisionRecord>> decisions(JobId id) const override;
  Result<std::vector<core::DecisionRecord>> decisions_after(std::optional<api::DecisionPlace> place,
                                                            std::size_t limit) const override;
  Result<std::vector<core::AuditRecord>> audit_after(std::uint64_t seq,
                                                     std::size_t limit) const override;

 private:
  const store::Store& store_;
};

}  // namespace skerry::controller
