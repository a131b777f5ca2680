// state_dir.h: the agent's directory: a lock against a second agent, its identity and incarnation,
// the newest epoch, the blobs.
//
// Layout: <dir>/lock, <dir>/state (text with a checksum, replaced as a whole), <dir>/blobs/, <dir>/journal
// (journal_file.h). Blocking. The lock is the process's: it goes with it, however it ends.

#pragma once

#include <cstdint>
#include <string>

#include "common/error.h"
#include "common/ids.h"

namespace skerry::agent {

class StateDir {
 public:
  // Makes the directory if needed, locks it, and counts the incarnation up: durable before it is
  // used. kConflict if another agent has the lock; kCorrupt if the state cannot be read; kIo.
  static Result<StateDir> open(const std::string& path);
  StateDir(StateDir&& other) noexcept;
  StateDir& operator=(StateDir&&) = delete;
  ~StateDir();

  // Random, from the first start on.
  const std::string& identity() const { return identity_; }
  std::uint64_t incarnation() const { return incarnation_; }
  Epoch newest_epoch() const { return newest_epoch_; }
  Status save_epoch(Epoch epoch);  // kNoCapacity, kIo
  std::string blobs() const { return path_ + "/blobs"; }
  const std::string& path() const { return path_; }

 private:
  StateDir(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}
  Status read();
  Status write() const;
  std::string text() const;

  std::string path_;
  int lock_fd_;
  std::string identity_;
  std::uint64_t incarnation_ = 0;
  Epoch newest_epoch_;
};

}  // namespace skerry::agent
