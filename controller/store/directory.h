// directory.h: the directory a store lives in: created private, synced, and locked for one process.

#pragma once

#include <rocksdb/file_system.h>

#include <memory>
#include <string>

#include "common/error.h"

namespace skerry::store {

// Creates the directory, mode 0700, and its parents where they are missing, durably. kIo.
Status make_directory(rocksdb::FileSystem& files, const std::string& path);

// Makes creations, removals and renames in the directory durable.
rocksdb::IOStatus sync_directory(rocksdb::FileSystem& files, const std::string& path);

// Held while this object lives, and given up by the kernel when the process ends, however it ends.
// RocksDB has a lock of its own but takes it too late: its files are read before it opens them.
class DirectoryLock {
 public:
  // kUnavailable if this or another process holds it.
  static Result<DirectoryLock> take(std::shared_ptr<rocksdb::FileSystem> files,
                                    const std::string& path);

 private:
  struct Unlock {
    std::shared_ptr<rocksdb::FileSystem> files;
    void operator()(rocksdb::FileLock* lock) const;
  };
  explicit DirectoryLock(std::unique_ptr<rocksdb::FileLock, Unlock> lock)
      : lock_(std::move(lock)) {}

  std::unique_ptr<rocksdb::FileLock, Unlock> lock_;
};

}  // namespace skerry::store
