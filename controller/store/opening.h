// opening.h: brings a store from a directory to a running database: lock, recovery, RocksDB, a last
// comparison, witness.

#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/store/engine.h"
#include "controller/store/rocks_store.h"
#include "controller/store/stamp.h"
#include "controller/store/witness.h"

namespace skerry::store {

// Destroyed from the last member to the first.
struct Opened {
  std::unique_ptr<rocksdb::Env> env;
  std::unique_ptr<rocksdb::DB> db;
  Witness witness;
  Stamp stamp;  // newest commit
  RecoveryReport report;
};

// With the directory locked, over strict_files.h. Errors as open_rocks_store's.
Result<Opened> open_database(const RocksOptions& options,
                             const std::shared_ptr<rocksdb::FileSystem>& files,
                             const std::shared_ptr<FailStop>& fail_stop);

std::string full_key(Table table, std::string_view key);

// One commit: the stamp and the batches, on the disk when it returns. kStorageFull: all of it, or
// nothing but a torn end, is in the log, and the database takes no more. After any other error the
// disk's content is unknown.
Status write_synced(rocksdb::DB& db, const Stamp& stamp, const std::vector<Batch>& batches);

}  // namespace skerry::store
