// sim_disk.h: the disk under an agent's journal, and what the end of its process, or of its machine,
// leaves of the file.

#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/journal_disk.h"
#include "common/random.h"

namespace skerry::sim {

class SimDisk final : public agent::JournalDisk {
 public:
  using Later = std::function<void()>;

  // begin_sync is called when a sync is asked for; whoever runs the simulation answers it.
  explicit SimDisk(Later begin_sync) : begin_sync_(std::move(begin_sync)) {}

  const std::string& file() const { return file_; }
  void fill(bool full) { full_ = full; }
  void fail_next_write() { write_fails_ = true; }
  void fail_next_sync() { sync_fails_ = true; }
  void mend() { write_fails_ = sync_fails_ = false; }

  // The sync that was begun is over: everything that was appended when it began is durable, or, if
  // it failed, never will be, whatever later syncs say.
  bool synced() {
    if (std::exchange(sync_fails_, false)) {
      unwritable_from_ = std::min(unwritable_from_, synced_bytes_);
      return false;
    }
    synced_bytes_ = std::max(synced_bytes_, syncing_bytes_);
    return true;
  }
  bool take_failed_write() { return std::exchange(write_failed_, false); }
  // A failure was for that process.
  void process_ended() { mend(); }

  // The machine goes down: of what was not synced, a beginning of any length is there, and its last
  // bytes may be garbage. False if that was all there was.
  bool lose_tail(Random& random) {
    synced_bytes_ = std::min({synced_bytes_, unwritable_from_, file_.size()});
    const std::size_t unsynced = file_.size() - synced_bytes_;
    const auto lost = static_cast<std::size_t>(random.below(unsynced + 1));
    file_.resize(file_.size() - lost);
    bool garbage = false;
    if (file_.size() > synced_bytes_ && random.chance(0.3)) {
      file_.back() = static_cast<char>(random.below(256));
      garbage = true;
    }
    synced_bytes_ = file_.size();
    unwritable_from_ = kNowhere;
    return lost > 0 || garbage;
  }
  // A bit flips while nobody looks. False if there is none.
  bool flip(Random& random) {
    if (file_.empty()) {
      return false;
    }
    char& byte = file_[random.below(file_.size())];
    byte = static_cast<char>(byte ^ (1 << random.below(8)));
    return true;
  }

  agent::DiskAnswer append(std::string_view bytes) override {
    if (std::exchange(write_fails_, false)) {
      write_failed_ = true;
      return agent::DiskAnswer::kFailed;
    }
    if (full_) {
      return agent::DiskAnswer::kFull;
    }
    file_ += bytes;
    return agent::DiskAnswer::kDone;
  }
  void sync() override {
    syncing_bytes_ = file_.size();
    begin_sync_();
  }
  agent::DiskAnswer replace(std::string_view bytes) override {
    if (std::exchange(write_fails_, false)) {
      write_failed_ = true;
      return agent::DiskAnswer::kFailed;
    }
    if (full_) {
      return agent::DiskAnswer::kFull;
    }
    file_ = bytes;
    synced_bytes_ = syncing_bytes_ = file_.size();
    unwritable_from_ = kNowhere;
    return agent::DiskAnswer::kDone;
  }

 private:
  static constexpr std::size_t kNowhere = std::string::npos;

  Later begin_sync_;
  std::string file_;
  std::size_t synced_bytes_ = 0;
  std::size_t syncing_bytes_ = 0;
  std::size_t unwritable_from_ = kNowhere;  // the system took it and could not write it
  bool full_ = false;
  bool write_fails_ = false;
  bool sync_fails_ = false;
  bool write_failed_ = false;
};

}  // namespace skerry::sim
