// store_world.h: what the store's tests share: a temporary directory, known batches whose outcome
// can be checked, and waiting for positions.

#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "controller/store/rocks_store.h"

namespace skerry::store::testing {

// What store_writer says when a sync fails, among positions.
inline constexpr Position kSyncFails = ~Position{0};

// How often to try something: fewer times where a sanitizer makes each ten times slower.
int rounds(int count);

// Removed when it goes. In memory where the machine has such a place: the tests count syncs, they
// do not need them.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  std::string path(const std::string& name = "store") const { return (root_ / name).string(); }

 private:
  std::filesystem::path root_;
};

// Replaces `to` by what a kill of the process would leave of `from` now.
void copy_directory(const std::string& from, const std::string& to);
std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& bytes);
// Names in the directory that end so, sorted.
std::vector<std::string> files_ending(const std::string& directory, const std::string& suffix);
// All names with sizes and contents hashed: equal if nothing was changed.
std::string fingerprint(const std::string& directory);

// The batch that position p brings: puts task p, rewrites the newest, deletes task p - 3. Every
// seventh is large enough to cross the log's blocks.
Batch known_batch(Position position);
// Empty if the store holds exactly what known batches 1 to durable() leave; else what is wrong.
std::string difference_from_known(const Store& store);

// Remembers what a store reports. Thread-safe.
class Reports {
 public:
  // Options whose callbacks report here; this must outlive the store.
  RocksOptions options(const std::string& path);

  void wait_durable(Position position);
  // Or until this is so.
  void wait_durable_or(const std::function<bool()>& otherwise, Position position);
  // Until this is so, which nothing here tells of.
  static void wait_until(const std::function<bool()>& is_so);
  void wait_fatal();
  std::vector<Position> durable() const;
  std::vector<CommitInfo> commits() const;
  std::vector<Error> fatal() const;
  std::string logged() const;
  RecoveryReport recovery() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Position> durable_;
  std::vector<CommitInfo> commits_;
  std::vector<Error> fatal_;
  std::string logged_;
  RecoveryReport recovery_;
};

// A store in `path` with known batches 1 to `count` durable, each in a commit of its own.
std::unique_ptr<Store> known_store(const std::string& path, Reports& reports, Position count);

}  // namespace skerry::store::testing
