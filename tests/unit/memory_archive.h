// memory_archive.h: what a store would keep of ended jobs and of the audit trail, in memory.

#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "controller/api/job_archive.h"

namespace skerry::api {

class MemoryArchive final : public JobArchive {
 public:
  Result<core::ResultRecord> result(JobId id) const override {
    const std::scoped_lock lock(mutex_);
    const auto found = results_.find(id);
    return found == results_.end()
               ? Result<core::ResultRecord>(skerry::fail(ErrorCode::kNotFound, "no result"))
               : found->second;
  }
  Result<std::vector<core::DecisionRecord>> decisions(JobId id) const override {
    if (on_read) {
      on_read();
    }
    const std::scoped_lock lock(mutex_);
    const auto found = decisions_.find(id);
    return found == decisions_.end() ? std::vector<core::DecisionRecord>() : found->second;
  }
  Result<std::vector<core::DecisionRecord>> decisions_after(std::optional<DecisionPlace> place,
                                                            std::size_t limit) const override {
    const std::scoped_lock lock(mutex_);
    std::vector<core::DecisionRecord> found;
    for (const auto& [id, decisions] : decisions_) {
      for (const core::DecisionRecord& decision : decisions) {
        const bool behind =
            !place || std::pair(id, decision.attempt) > std::pair(place->job, place->attempt);
        if (behind && found.size() < limit) {
          found.push_back(decision);
        }
      }
    }
    return found;
  }
  Result<std::vector<core::AuditRecord>> audit_after(std::uint64_t seq,
                                                     std::size_t limit) const override {
    const std::scoped_lock lock(mutex_);
    std::vector<core::AuditRecord> found;
    for (const core::AuditRecord& line : audit_) {
      if (line.seq > seq && found.size() < limit) {
        found.push_back(line);
      }
    }
    return found;
  }
  // As if somebody had been at the disk.
  void edit_audit(const std::function<void(std::vector<core::AuditRecord>&)>& edit) {
    const std::scoped_lock lock(mutex_);
    edit(audit_);
  }
  void keep(const core::RecordWrite& write) {
    const std::scoped_lock lock(mutex_);
    if (const auto* result = std::get_if<core::ResultRecord>(&write)) {
      results_[result->id] = *result;
    } else if (const auto* decision = std::get_if<core::DecisionRecord>(&write)) {
      decisions_[decision->job].push_back(*decision);
    } else if (const auto* line = std::get_if<core::AuditRecord>(&write)) {
      audit_.push_back(*line);
    }
  }

  std::function<void()> on_read;  // set before anything is read

 private:
  mutable std::mutex mutex_;
  std::map<JobId, core::ResultRecord> results_;
  std::map<JobId, std::vector<core::DecisionRecord>> decisions_;
  std::vector<core::AuditRecord> audit_;
};

}  // namespace skerry::api
