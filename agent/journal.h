// journal.h: what an agent must not forget: the attempts it accepted, and the results that are not
// settled yet.
//
// accept -> finish -> forget, or accept -> forget for an attempt that was given back unstarted. The
// lists change at once; durable() says up to which change they would survive a crash of the agent's
// process, and a result is sent only when its own change would.
//
// Implementations: log_journal.h, over a file; memory_journal.h, which survives nothing and is
// therefore always up to date.
// Not thread-safe; used on the agent's strand.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/manifests.h"
#include "agent/messages.h"

namespace skerry::agent {

using JournalPosition = std::uint64_t;  // counts changes from 1

struct AcceptedAttempt {
  Assign assign;  // without its manifest_json
  ManifestPtr manifest;
  Instant received;
};

class Journal {
 public:
  virtual ~Journal() = default;

  virtual void accept(AcceptedAttempt attempt) = 0;
  // The attempt leaves the accepted ones and its result joins the spool, at the end.
  virtual void finish(Ended result) = 0;
  // Settled or given back; false if it was not known.
  virtual bool forget(AttemptUid uid) = 0;

  virtual bool holds(AttemptUid uid) const = 0;               // accepted or spooled
  virtual std::vector<AcceptedAttempt> accepted() const = 0;  // in order of acceptance
  virtual std::vector<AttemptRef> accepted_refs() const = 0;
  virtual std::vector<AttemptRef> spooled_refs() const = 0;
  virtual std::size_t spooled_count() const = 0;
  virtual std::uint64_t spooled_bytes() const = 0;

  // The oldest spooled result behind a position (0 = from the start) with its own position.
  struct Spooled {
    JournalPosition position = 0;
    const Ended* result = nullptr;  // valid until the next change
  };
  virtual std::optional<Spooled> next_spooled(JournalPosition after) const = 0;
  virtual JournalPosition durable() const = 0;
  // Writes what has changed; the agent calls it before it sends anything.
  virtual void settle(Instant /*now*/) {}
  // No room for more: no new work is to be taken.
  virtual bool full() const { return false; }
};

}  // namespace skerry::agent
