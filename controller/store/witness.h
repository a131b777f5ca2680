// witness.h: a small file beside the database that knows how far it must reach.
//
// After each commit is synced, and before anybody is told, the commit's stamp is written here but
// not synced: that costs a microsecond and outlives the process whatever kills it. It is synced
// about once a second and at a clean close, so after a loss of power it may be older but never
// ahead of what was durable. A database that recovers less than the witness says has lost
// acknowledged work.
//
// Two slots, a disk sector each and written in turn, so a torn write never costs the other one. A
// slot is a stamp and its CRC-32C.
//
// Threads: one at a time. A failed write or sync leaves the file unknown; the caller must stop.

#pragma once

#include <rocksdb/file_system.h>

#include <memory>
#include <optional>
#include <string>

#include "common/error.h"
#include "controller/store/stamp.h"

namespace skerry::store {

class Witness {
 public:
  // nullopt: there is none. kCorrupt: neither slot is readable. kIo.
  static Result<std::optional<Stamp>> read(rocksdb::FileSystem& files, const std::string& path);
  // Replaces the file by one that says `stamp`, synced, and holds it open. kIo.
  static Result<Witness> create(rocksdb::FileSystem& files, const std::string& directory,
                                const std::string& name, const Stamp& stamp);

  Status write(const Stamp& stamp);
  Status sync();  // of all writes so far

 private:
  explicit Witness(std::unique_ptr<rocksdb::FSRandomRWFile> file) : file_(std::move(file)) {}

  std::unique_ptr<rocksdb::FSRandomRWFile> file_;
  std::size_t next_slot_ = 0;
};

}  // namespace skerry::store
