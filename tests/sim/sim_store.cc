#include "tests/sim/sim_store.h"

#include <fmt/format.h>

#include "common/digest.h"

namespace skerry::sim {

namespace {

template <typename Map>
auto values_of(const Map& map) {
  std::vector<typename Map::mapped_type> values;
  values.reserve(map.size());
  for (const auto& [key, value] : map) {
    values.push_back(value);
  }
  return values;
}

}  // namespace

void SimStore::sync(std::size_t count) {
  for (; count > 0 && !pending_.empty(); --count) {
    for (const auto& write : pending_.front()) {
      std::visit([this](const auto& record) { apply(record); }, write);
    }
    pending_.pop_front();
  }
}

void SimStore::apply(const core::TaskRecord& record) {
  const auto before = tasks_.find(record.id);
  // What ended at a site is written once more when the controller has taken it.
  const bool was_taken = before != tasks_.end() && before->second.taken_as != record.taken_as &&
                         before->second.state == record.state;
  if (before != tasks_.end() && is_terminal(before->second.state) && !was_taken) {
    broken_.push_back(fmt::format("{} was {} and became {}", to_string(record.id),
                                  to_string(before->second.state), to_string(record.state)));
  }
  if (!jobs_.contains(record.id)) {
    broken_.push_back(fmt::format("{} has a task but was never submitted", to_string(record.id)));
  }
  tasks_[record.id] = record;
}

void SimStore::apply(const core::ResultRecord& record) {
  if (results_.contains(record.id)) {
    broken_.push_back(fmt::format("{} got a second result", to_string(record.id)));
  }
  results_[record.id] = record;
}

void SimStore::apply(const core::AuditRecord& record) {
  if (!audit_.empty()) {
    const core::AuditRecord& last = audit_.rbegin()->second;
    if (record.seq != last.seq + 1 || !record.line.ends_with(to_hex(last.hash) + "\"}")) {
      broken_.push_back(
          fmt::format("line {} of the audit trail does not follow line {}", record.seq, last.seq));
    }
  }
  audit_[record.seq] = record;
}

void SimStore::apply(const core::DeleteRecords& record) {
  jobs_.erase(record.id);
  tasks_.erase(record.id);
  results_.erase(record.id);
}

core::StoredState SimStore::stored() const {
  return {.meta = meta_,
          .nodes = values_of(nodes_),
          .models = values_of(models_),
          .jobs = values_of(jobs_),
          .tasks = values_of(tasks_),
          .results = values_of(results_),
          .idempotency = values_of(keys_),
          .policies = values_of(policies_),
          .tokens = values_of(tokens_),
          .join_tokens = values_of(join_tokens_),
          .identities = values_of(identities_),
          .audit_first = audit_.empty() ? 1 : audit_.begin()->first,
          .audit_last = audit_.empty() ? std::nullopt : std::optional(audit_.rbegin()->second)};
}

}  // namespace skerry::sim
