// store_files.h: a file system that counts, holds and fails what the store asks of it.
//
// It passes everything on to the real one. Operations that change files (create, append, write,
// sync, truncate, close, rename, delete, sync a directory) are counted from arm() on, and the chosen
// one fails, once: a disk that works again must not make a store go on. Or the disk is full from then
// on, until it is freed. Thread-safe.

#pragma once

#include <rocksdb/file_system.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace skerry::store::testing {

// What the chosen operation answers.
enum class Fault : std::uint8_t {
  kIo,
  kTorn,      // half of what was to be written is in the file
  kFull,      // no space; nor for any append or new file from then on, until free_space()
  kTornFull,  // both
};

class ScriptedFiles final : public rocksdb::FileSystemWrapper {
 public:
  ScriptedFiles() : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "ScriptedFiles"; }

  // Syncs of *.log files that were completed.
  int log_syncs() const;
  // Syncs of files with this in their names wait until they are released.
  void hold_syncs(const std::string& part);
  void wait_for_held_sync();
  void release_syncs();

  // Counts anew the operations with `part` in what they do to which file ("sync 000004.log"), and lets
  // number `fails` of them (from 1; 0: none) fail.
  void arm(int fails, const std::string& part = "", Fault fault = Fault::kIo);
  // Called when it fails, before whoever asked for it knows.
  void on_failure(std::function<void()> call);
  void free_space();
  // Until an operation has failed.
  void wait_failed();
  // What GetFreeSpace says while the disk is not full; 0 while it is.
  void set_free_bytes(std::uint64_t bytes);
  int operations() const;
  // What failed: "sync 000004.log"; empty if nothing did.
  std::string failed() const;

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options,
                                 std::uint64_t* bytes, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

  // Asked by the files before each operation, and after a log's sync.
  rocksdb::IOStatus before(const char* operation, const std::string& name);
  bool tears() const;
  void hold_if_asked(const std::string& name);
  void synced(const std::string& name);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int log_syncs_ = 0;
  std::string holds_;
  bool held_ = false;
  int operations_ = 0;
  int fails_ = 0;
  std::string part_;
  std::string failed_;
  std::function<void()> on_failure_;
  Fault fault_ = Fault::kIo;
  bool full_ = false;
  std::uint64_t free_bytes_ = std::uint64_t{1} << 40;
};

}  // namespace skerry::store::testing
