// memory_journal.h: the journal of an agent that forgets with its process.
//
// Every change counts as durable at once: what a crash loses, the controller places again.

#pragma once

#include <map>
#include <unordered_map>

#include "agent/journal.h"

namespace skerry::agent {

class MemoryJournal final : public Journal {
 public:
  void accept(AcceptedAttempt attempt) override;
  void finish(Ended result) override;
  bool forget(AttemptUid uid) override;

  // A result whose attempt is not known any more, as read back from a file.
  void spool(Ended result);
  bool accepts(AttemptUid uid) const { return accepted_at_.contains(uid); }
  std::uint64_t held_bytes() const { return held_bytes_; }  // about what it takes on disk

  bool holds(AttemptUid uid) const override;
  std::vector<AcceptedAttempt> accepted() const override;
  std::vector<AttemptRef> accepted_refs() const override;
  std::vector<AttemptRef> spooled_refs() const override;
  std::size_t spooled_count() const override { return spool_.size(); }
  std::uint64_t spooled_bytes() const override { return spooled_bytes_; }
  std::optional<Spooled> next_spooled(JournalPosition after) const override;
  JournalPosition durable() const override { return last_; }

 private:
  void remove_accepted(JournalPosition position);

  JournalPosition last_ = 0;
  std::map<JournalPosition, AcceptedAttempt>
      accepted_;  // by the change that brought them: the order of arrival
  std::map<JournalPosition, Ended> spool_;
  std::unordered_map<AttemptUid, JournalPosition> accepted_at_;
  std::unordered_map<AttemptUid, JournalPosition> spooled_at_;
  std::uint64_t spooled_bytes_ = 0;
  std::uint64_t held_bytes_ = 0;
};

}  // namespace skerry::agent
