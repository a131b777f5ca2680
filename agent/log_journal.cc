#include "agent/log_journal.h"

#include <algorithm>
#include <utility>

namespace skerry::agent {

namespace {

std::string manifest_record(const KnownManifest& manifest) {
  return encode_record(ManifestRecord{
      .model = manifest.manifest.name, .revision = manifest.revision, .json = manifest.json});
}

constexpr std::uint64_t kMostWaste = 4;  // a file is that many times as large as need be, at most

}  // namespace

LogJournal::LogJournal(LogJournalOptions options, JournalDisk& disk)
    : options_(options), disk_(disk) {}

LogJournal::Restored LogJournal::restore(std::string_view content) {
  const bool ours = content.starts_with(kJournalMagic);
  std::string_view rest = ours ? content.substr(kJournalMagic.size()) : content;
  Manifests manifests;
  for (auto read = decode_record(rest); ours && read; read = decode_record(rest)) {
    rest.remove_prefix(read->bytes);
    std::visit([&](auto& record) { take_over(record, manifests); }, read->record);
  }
  manifests_.clear();  // the file is written anew at the first change
  results_unsynced_ = held_.spooled_count() > 0;
  written_ = held_.durable();
  return Restored{.accepted = held_.accepted_refs().size(),
                  .spooled = held_.spooled_count(),
                  .dropped_bytes = rest.size()};
}

void LogJournal::take_over(ManifestRecord& record, Manifests& manifests) {
  if (auto resolved = manifests.resolve(record.model, record.revision, record.json)) {
    manifests_[{record.model, record.revision}] = *std::move(resolved);
  }
}

void LogJournal::take_over(AcceptRecord& record, Manifests& /*manifests*/) {
  const auto manifest = manifests_.find({record.assign.model, record.assign.manifest_revision});
  if (manifest != manifests_.end() && !held_.holds(record.assign.attempt.uid)) {
    held_.accept({.assign = std::move(record.assign),
                  .manifest = manifest->second,
                  .received = record.received});
  }
}

void LogJournal::take_over(FinishRecord& record, Manifests& /*manifests*/) {
  if (held_.accepts(record.result.attempt.uid)) {
    held_.finish(std::move(record.result));
  } else if (!held_.holds(record.result.attempt.uid)) {  // its manifest means nothing any more
    held_.spool(std::move(record.result));
  }
}

void LogJournal::take_over(SpoolRecord& record, Manifests& /*manifests*/) {
  if (!held_.holds(record.result.attempt.uid)) {
    held_.spool(std::move(record.result));
  }
}

void LogJournal::take_over(ForgetRecord& record, Manifests& /*manifests*/) {
  held_.forget(record.uid);
}

void LogJournal::accept(AcceptedAttempt attempt) {
  const auto key = std::pair(attempt.assign.model, attempt.assign.manifest_revision);
  if (manifests_.try_emplace(key, attempt.manifest).second) {
    unwritten_ += manifest_record(*attempt.manifest);
  }
  unwritten_ += encode_record(AcceptRecord{.assign = attempt.assign, .received = attempt.received});
  held_.accept(std::move(attempt));
}

void LogJournal::finish(Ended result) {
  results_unsynced_ = true;
  unwritten_ += encode_record(FinishRecord{.result = result});
  held_.finish(std::move(result));
}

bool LogJournal::forget(AttemptUid uid) {
  if (!held_.forget(uid)) {
    return false;
  }
  unwritten_ += encode_record(ForgetRecord{.uid = uid});
  return true;
}

void LogJournal::settle(Instant now) {
  if (failed_) {
    return;
  }
  if (!full_) {
    write(now);
  }
  results_unsynced_ = results_unsynced_ && held_.spooled_count() > 0;
  if (file_bytes_ > std::max(options_.least_rewrite_bytes, rewrite_beyond_) &&
      file_bytes_ > kMostWaste * held_.held_bytes()) {
    shrink();
  }
  if (!results_unsynced_) {
    sync_at_ = kNever;
  } else if (!syncing_ && sync_at_ == kNever && !full_ && !failed_) {
    sync_at_ = now + options_.sync_delay;
  }
}

// What has changed, at the end of the file; a process's first change writes the file anew.
void LogJournal::write(Instant now) {
  if (unwritten_.empty()) {
    return;
  }
  const bool first = file_bytes_ == 0;
  const std::string all = first ? everything() : std::string();
  const DiskAnswer answer = first ? disk_.replace(all) : disk_.append(unwritten_);
  full_ = answer == DiskAnswer::kFull;
  failed_ = failed_ || answer == DiskAnswer::kFailed;
  retry_at_ = full_ ? now + options_.full_retry : kNever;
  if (answer == DiskAnswer::kDone) {
    file_bytes_ += first ? all.size() : unwritten_.size();
    results_unsynced_ = results_unsynced_ && !first;  // a replaced file is durable
    unwritten_.clear();
    written_ = held_.durable();
  }
}

// All that is held, as a whole file.
std::string LogJournal::everything() {
  manifests_.clear();
  std::string file(kJournalMagic);
  for (auto spooled = held_.next_spooled(0); spooled;
       spooled = held_.next_spooled(spooled->position)) {
    file += encode_record(SpoolRecord{.result = *spooled->result});
  }
  for (const AcceptedAttempt& attempt : held_.accepted()) {
    const auto key = std::pair(attempt.assign.model, attempt.assign.manifest_revision);
    if (manifests_.try_emplace(key, attempt.manifest).second) {
      file += manifest_record(*attempt.manifest);
    }
    file += encode_record(AcceptRecord{.assign = attempt.assign, .received = attempt.received});
  }
  return file;
}

// Without what was forgotten. Where there is no room for a second file, the first one stays as it is.
void LogJournal::shrink() {
  const auto known = manifests_;
  const std::string file = everything();
  const DiskAnswer answer = disk_.replace(file);
  failed_ = failed_ || answer == DiskAnswer::kFailed;
  if (answer != DiskAnswer::kDone) {
    manifests_ = known;
    rewrite_beyond_ = 2 * file_bytes_;
    return;
  }
  file_bytes_ = file.size();
  rewrite_beyond_ = 0;
  unwritten_.clear();
  written_ = held_.durable();
  results_unsynced_ = false;
  full_ = false;
  retry_at_ = kNever;
}

void LogJournal::synced(bool well, Instant now) {
  syncing_ = false;
  failed_ = failed_ || !well;
  settle(now);
}

void LogJournal::on_time(Instant now) {
  if (full_ && now >= retry_at_) {
    write(now);
  }
  if (now >= sync_at_) {
    sync_at_ = kNever;
    results_unsynced_ = false;
    syncing_ = true;
    disk_.sync();
  }
}

Instant LogJournal::next_timer() const { return std::min(sync_at_, retry_at_); }

}  // namespace skerry::agent
