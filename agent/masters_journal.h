// masters_journal.h: what the executor holds for both of its masters, each in the journal that its own
// session reads.
//
// The controller's work is in the agent's journal, which outlives the process. The site's is in
// memory: its jobs stand in the site's store, which places them again after a restart.
//
// Limits (spooled results, a full disk) are those of the controller's. Not thread-safe; used on the
// agent's strand.

#pragma once

#include "agent/journal.h"

namespace skerry::agent {

class MastersJournal final : public Journal {
 public:
  // Both outlive it.
  MastersJournal(Journal& controller, Journal& site) : controller_(controller), site_(site) {}

  void accept(AcceptedAttempt attempt) override {
    of(attempt.assign.attempt.master).accept(std::move(attempt));
  }
  void finish(Ended result) override { of(result.attempt.master).finish(std::move(result)); }
  bool forget(AttemptUid uid) override { return controller_.forget(uid) || site_.forget(uid); }

  bool holds(AttemptUid uid) const override { return controller_.holds(uid) || site_.holds(uid); }
  std::vector<AcceptedAttempt> accepted() const override { return controller_.accepted(); }
  std::vector<AttemptRef> accepted_refs() const override { return controller_.accepted_refs(); }
  std::vector<AttemptRef> spooled_refs() const override { return controller_.spooled_refs(); }
  std::size_t spooled_count() const override { return controller_.spooled_count(); }
  std::uint64_t spooled_bytes() const override { return controller_.spooled_bytes(); }
  std::optional<Spooled> next_spooled(JournalPosition after) const override {
    return controller_.next_spooled(after);
  }
  JournalPosition durable() const override { return controller_.durable(); }
  void settle(Instant now) override {
    controller_.settle(now);
    site_.settle(now);
  }
  bool full() const override { return controller_.full(); }

 private:
  Journal& of(Master master) { return master == Master::kSite ? site_ : controller_; }

  Journal& controller_;
  Journal& site_;
};

}  // namespace skerry::agent
