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
  void fail_next() { fails_ = true; }

  // Everything that was appended when the sync began.
  void synced() { synced_bytes_ = std::max(synced_bytes_, syncing_bytes_); }
  bool take_failure() { return std::exchange(fails_, false); }

  // The machine goes down: of what was not synced, a beginning of any length is there, and its last
  // bytes may be garbage.
  void lose_tail(Random& random) {
    const std::size_t unsynced = file_.size() - std::min(synced_bytes_, file_.size());
    file_.resize(file_.size() - static_cast<std::size_t>(random.below(unsynced + 1)));
    if (file_.size() > synced_bytes_ && random.chance(0.3)) {
      file_.back() = static_cast<char>(random.below(256));
    }
    synced_bytes_ = file_.size();
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
    if (take_failure()) {
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
    if (take_failure()) {
      return agent::DiskAnswer::kFailed;
    }
    if (full_) {
      return agent::DiskAnswer::kFull;
    }
    file_ = bytes;
    synced_bytes_ = syncing_bytes_ = file_.size();
    return agent::DiskAnswer::kDone;
  }

 private:
  Later begin_sync_;
  std::string file_;
  std::size_t synced_bytes_ = 0;
  std::size_t syncing_bytes_ = 0;
  bool full_ = false;
  bool fails_ = false;
};

}  // namespace skerry::sim
