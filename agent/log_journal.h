// log_journal.h: the journal of an agent that keeps its word over its own restart.
//
// Every change becomes a record at the end of a file (journal_record.h) when the agent settles, before
// any message leaves; restore() reads them back. What is written survives the process. What is worth
// surviving the machine, a result that is still here after sync_delay, is synced then: a result that
// its controller acknowledges at once costs no sync, and one that power loss takes before that is run
// again, since nobody was told of it.
//
// When much of the file is about what was forgotten since, it is replaced by what is left.
//
// A disk without space keeps nothing from being delivered: results then live in memory only, no new
// work is taken (full()), and the file is tried again from time to time. A disk that fails is not
// trusted any more: failed() says so, and the process is to stop.
//
// Pure but for its JournalDisk. Used on the agent's strand.

#pragma once

#include <string>
#include <string_view>

#include "agent/journal_disk.h"
#include "agent/journal_record.h"
#include "agent/memory_journal.h"

namespace skerry::agent {

struct LogJournalOptions {
  Duration sync_delay = milliseconds(20);
  Duration full_retry = seconds(1);
  std::uint64_t least_rewrite_bytes = 16u << 20;  // a smaller file is left as it is
};

class LogJournal final : public Journal {
 public:
  LogJournal(LogJournalOptions options, JournalDisk& disk);

  // Takes over what the file held; before anything else. Everything up to the first byte that is not
  // as it was written counts; the caller keeps a copy of the rest.
  struct Restored {
    std::size_t accepted = 0;
    std::size_t spooled = 0;
    std::uint64_t dropped_bytes = 0;  // at the end: torn by a crash, or damaged
  };
  Restored restore(std::string_view content);

  void accept(AcceptedAttempt attempt) override;
  void finish(Ended result) override;
  bool forget(AttemptUid uid) override;

  bool holds(AttemptUid uid) const override { return held_.holds(uid); }
  std::vector<AcceptedAttempt> accepted() const override { return held_.accepted(); }
  std::vector<AttemptRef> accepted_refs() const override { return held_.accepted_refs(); }
  std::vector<AttemptRef> spooled_refs() const override { return held_.spooled_refs(); }
  std::size_t spooled_count() const override { return held_.spooled_count(); }
  std::uint64_t spooled_bytes() const override { return held_.spooled_bytes(); }
  std::optional<Spooled> next_spooled(JournalPosition after) const override {
    return held_.next_spooled(after);
  }
  JournalPosition durable() const override { return full_ ? held_.durable() : written_; }
  void settle(Instant now) override;
  bool full() const override { return full_; }

  void synced(bool well, Instant now);
  bool failed() const { return failed_; }
  void on_time(Instant now);
  Instant next_timer() const;

 private:
  void take_over(ManifestRecord& record, Manifests& manifests);
  void take_over(AcceptRecord& record, Manifests& manifests);
  void take_over(FinishRecord& record, Manifests& manifests);
  void take_over(SpoolRecord& record, Manifests& manifests);
  void take_over(ForgetRecord& record, Manifests& manifests);
  void write(Instant now);
  void shrink();
  std::string everything();

  const LogJournalOptions options_;
  JournalDisk& disk_;
  MemoryJournal held_;
  std::string unwritten_;
  JournalPosition written_ = 0;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t rewrite_beyond_ = 0;  // there was no room for a smaller one
  std::map<std::pair<std::string, std::uint64_t>, ManifestPtr> manifests_;  // that the file holds
  bool results_unsynced_ = false;
  bool syncing_ = false;
  Instant sync_at_ = kNever;
  bool full_ = false;
  Instant retry_at_ = kNever;
  bool failed_ = false;
};

}  // namespace skerry::agent
