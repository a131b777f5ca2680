#include "agent/memory_journal.h"

#include "common/check.h"

namespace skerry::agent {
namespace {

constexpr std::uint64_t kRecordBytes = 256;  // about what an entry takes beside its payload

std::uint64_t inline_bytes(const Payload& payload) {
  return payload.bytes ? payload.bytes->size() : 0;
}

}  // namespace

void MemoryJournal::accept(AcceptedAttempt attempt) {
  const AttemptUid uid = attempt.assign.attempt.uid;
  check(!holds(uid), "an attempt is accepted once");
  ++last_;
  accepted_at_[uid] = last_;
  held_bytes_ += kRecordBytes + inline_bytes(attempt.assign.input);
  accepted_.emplace(last_, std::move(attempt));
}

void MemoryJournal::finish(Ended result) {
  const AttemptUid uid = result.attempt.uid;
  const auto at = accepted_at_.find(uid);
  check(at != accepted_at_.end(), "only an accepted attempt finishes");
  remove_accepted(at->second);
  accepted_at_.erase(at);
  spool(std::move(result));
}

void MemoryJournal::spool(Ended result) {
  const AttemptUid uid = result.attempt.uid;
  check(!holds(uid), "a result is spooled once");
  ++last_;
  spooled_at_[uid] = last_;
  spooled_bytes_ += inline_bytes(result.output);
  held_bytes_ += kRecordBytes + inline_bytes(result.output);
  spool_.emplace(last_, std::move(result));
}

bool MemoryJournal::forget(AttemptUid uid) {
  if (const auto at = accepted_at_.find(uid); at != accepted_at_.end()) {
    remove_accepted(at->second);
    accepted_at_.erase(at);
  } else if (const auto spooled = spooled_at_.find(uid); spooled != spooled_at_.end()) {
    const auto result = spool_.find(spooled->second);
    spooled_bytes_ -= inline_bytes(result->second.output);
    held_bytes_ -= kRecordBytes + inline_bytes(result->second.output);
    spool_.erase(result);
    spooled_at_.erase(spooled);
  } else {
    return false;
  }
  ++last_;
  return true;
}

void MemoryJournal::remove_accepted(JournalPosition position) {
  const auto it = accepted_.find(position);
  held_bytes_ -= kRecordBytes + inline_bytes(it->second.assign.input);
  accepted_.erase(it);
}

bool MemoryJournal::holds(AttemptUid uid) const {
  return accepted_at_.contains(uid) || spooled_at_.contains(uid);
}

std::vector<AcceptedAttempt> MemoryJournal::accepted() const {
  std::vector<AcceptedAttempt> attempts;
  attempts.reserve(accepted_.size());
  for (const auto& [position, attempt] : accepted_) {
    attempts.push_back(attempt);
  }
  return attempts;
}

std::vector<AttemptRef> MemoryJournal::accepted_refs() const {
  std::vector<AttemptRef> refs;
  refs.reserve(accepted_.size());
  for (const auto& [position, attempt] : accepted_) {
    refs.push_back(attempt.assign.attempt);
  }
  return refs;
}

std::vector<AttemptRef> MemoryJournal::spooled_refs() const {
  std::vector<AttemptRef> refs;
  refs.reserve(spool_.size());
  for (const auto& [position, result] : spool_) {
    refs.push_back(result.attempt);
  }
  return refs;
}

std::optional<Journal::Spooled> MemoryJournal::next_spooled(JournalPosition after) const {
  const auto next = spool_.upper_bound(after);
  if (next == spool_.end()) {
    return std::nullopt;
  }
  return Spooled{.position = next->first, .result = &next->second};
}

}  // namespace skerry::agent
