// Loads the audit trail's two ends alone, for it may be long.
#include "controller/records/decoding.h"

namespace skerry::records {

namespace {

using Line = std::optional<core::AuditRecord>;

Result<Line> at_or_after(const store::Store& store, std::uint64_t seq) {
  const auto found = store.scan(store::Table::kAudit, audit_key(seq), 1);
  if (!found) {
    return fail(found.error());
  }
  if (found->empty()) {
    return Line();
  }
  auto line = decode_audit(found->front().key, found->front().value);
  return line ? Result<Line>(*std::move(line)) : fail(std::move(line).error());
}

// Numbers have no gaps: first by doubled steps from one that is there, then by halves.
Result<core::AuditRecord> last_line(const store::Store& store, core::AuditRecord last) {
  std::uint64_t step = 1;
  for (bool growing = true; step > 0; step = growing ? step * 2 : step / 2) {
    auto later = at_or_after(store, last.seq + step);
    if (!later) {
      return fail(std::move(later).error());
    }
    growing = growing && later->has_value();
    if (*later) {
      last = **std::move(later);
    }
  }
  return last;
}

}  // namespace

Status load_audit_ends(const store::Store& store, core::StoredState& state) {
  auto first = at_or_after(store, 0);
  if (!first || !*first) {
    return first ? Status() : fail(std::move(first).error());
  }
  state.audit_first = (*first)->seq;
  auto last = last_line(store, **std::move(first));
  if (!last) {
    return fail(std::move(last).error());
  }
  state.audit_last = *std::move(last);
  return {};
}

}  // namespace skerry::records
