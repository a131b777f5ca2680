#include "controller/store_archive.h"

#include "controller/records/codec.h"

namespace skerry::controller {

namespace {
constexpr std::size_t kPage = 64;
}

Result<core::ResultRecord> StoreArchive::result(JobId id) const {
  const std::string key = records::job_key(id);
  auto value = store_.get(store::Table::kResult, key);
  if (!value) {
    return fail(std::move(value).error());
  }
  return records::decode_result(key, *value);
}

Result<std::vector<core::DecisionRecord>> StoreArchive::decisions(JobId id) const {
  const std::string prefix = records::job_key(id);
  std::vector<core::DecisionRecord> decisions;
  std::string from = prefix;
  for (;;) {
    auto page = store_.scan(store::Table::kDecision, from, kPage);
    if (!page) {
      return fail(std::move(page).error());
    }
    for (const auto& entry : *page) {
      if (!entry.key.starts_with(prefix)) {
        return decisions;
      }
      auto decision = records::decode_decision(entry.key, entry.value);
      if (!decision) {
        return fail(std::move(decision).error());
      }
      decisions.push_back(*std::move(decision));
    }
    if (page->size() < kPage) {
      return decisions;
    }
    from = page->back().key + '\0';
  }
}

Result<std::vector<core::DecisionRecord>> StoreArchive::decisions_after(
    std::optional<api::DecisionPlace> place, std::size_t limit) const {
  const std::string from =
      place ? records::decision_key(place->job, place->attempt) + '\0' : std::string();
  auto page = store_.scan(store::Table::kDecision, from, limit);
  if (!page) {
    return fail(std::move(page).error());
  }
  std::vector<core::DecisionRecord> decisions;
  for (const auto& entry : *page) {
    auto decision = records::decode_decision(entry.key, entry.value);
    if (!decision) {
      return fail(std::move(decision).error());
    }
    decisions.push_back(*std::move(decision));
  }
  return decisions;
}

Result<std::vector<core::AuditRecord>> StoreArchive::audit_after(std::uint64_t seq,
                                                                 std::size_t limit) const {
  auto page = store_.scan(store::Table::kAudit, records::audit_key(seq + 1), limit);
  if (!page) {
    return fail(std::move(page).error());
  }
  std::vector<core::AuditRecord> lines;
  for (const auto& entry : *page) {
    auto line = records::decode_audit(entry.key, entry.value);
    if (!line) {
      return fail(std::move(line).error());
    }
    lines.push_back(*std::move(line));
  }
  return lines;
}

}  // namespace skerry::controller
