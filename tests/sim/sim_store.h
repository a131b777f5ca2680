// sim_store.h: a store of typed records whose durability is up to the simulation.
//
// append() keeps a batch apart until sync(); crash() forgets what was not synced, but for a beginning
// that nobody was told of. Checks on the way
// that nobody rewrites history: a task that ended never changes, and a job has one result for ever.

#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "controller/core/records.h"

namespace skerry::sim {

class SimStore {
 public:
  void append(std::vector<core::RecordWrite> batch) { pending_.push_back(std::move(batch)); }
  std::size_t pending() const { return pending_.size(); }
  // Makes the oldest `count` batches durable.
  void sync(std::size_t count);
  // The first `kept` of those that are not durable yet are there all the same.
  void crash(std::size_t kept) {
    sync(kept);
    pending_.clear();
  }

  core::StoredState stored() const;
  const std::map<JobId, core::ResultRecord>& results() const { return results_; }
  // Rules that were broken; empty when all is well.
  const std::vector<std::string>& broken() const { return broken_; }

 private:
  void apply(const core::JobRecord& record) { jobs_[record.id] = record; }
  void apply(const core::TaskRecord& record);
  void apply(const core::ResultRecord& record);
  void apply(const core::NodeRecord& record) { nodes_[record.spec.name] = record; }
  void apply(const core::ModelRecord& record) { models_[record.manifest.name] = record; }
  void apply(const core::IdempotencyRecord& record) { keys_[{record.ns, record.key}] = record; }
  void apply(const core::DecisionRecord& /*record*/) {}
  void apply(const core::MetaRecord& record) { meta_ = record; }
  void apply(const core::DeleteRecords& record);
  void apply(const core::DeleteIdempotency& record) { keys_.erase({record.ns, record.key}); }
  void apply(const core::DeleteModelRecord& record) { models_.erase(record.name); }
  void apply(const core::DeleteNodeRecord& record) { nodes_.erase(record.name); }
  void apply(const core::PolicyRecord& record) { policies_[record.ref] = record; }
  void apply(const core::DeletePolicyRecord& record) { policies_.erase(record.ref); }
  void apply(const core::TokenRecord& record) { tokens_[record.token.id] = record.token; }
  void apply(const core::DeleteTokenRecord& record) { tokens_.erase(record.id); }
  void apply(const core::JoinTokenRecord& record) { join_tokens_[record.token.id] = record.token; }
  void apply(const core::DeleteJoinTokenRecord& record) { join_tokens_.erase(record.id); }
  void apply(const core::NodeIdentityRecord& record) {
    identities_[record.identity.node] = record.identity;
  }
  void apply(const core::AuditRecord& record);
  void apply(const core::DeleteAuditRecord& record) { audit_.erase(record.seq); }

  std::deque<std::vector<core::RecordWrite>> pending_;
  core::MetaRecord meta_;
  std::map<std::string, core::NodeRecord> nodes_;
  std::map<std::string, core::ModelRecord> models_;
  std::map<JobId, core::JobRecord> jobs_;
  std::map<JobId, core::TaskRecord> tasks_;
  std::map<JobId, core::ResultRecord> results_;
  std::map<std::pair<std::string, std::string>, core::IdempotencyRecord> keys_;
  std::map<core::PolicyRef, core::PolicyRecord> policies_;
  std::map<std::string, core::Token> tokens_;
  std::map<std::string, core::JoinToken> join_tokens_;
  std::map<std::string, core::NodeIdentity> identities_;
  std::map<std::uint64_t, core::AuditRecord> audit_;
  std::vector<std::string> broken_;
};

}  // namespace skerry::sim
