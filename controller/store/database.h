// database.h: the opened store, which can be opened anew while others read it.
//
// Owner of: the directory's lock, RocksDB, the witness, and what decides that nothing goes on. get and
// scan may be called from any thread; everything else from the store's own.

#pragma once

#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "controller/store/directory.h"
#include "controller/store/opening.h"

namespace skerry::store {

class Database {
 public:
  // Errors as open_rocks_store's.
  static Result<std::unique_ptr<Database>> open(RocksOptions options);

  // Errors as Store's.
  Result<std::string> get(Table table, std::string_view key) const;
  Result<std::vector<Entry>> scan(Table table, std::string_view from, std::size_t limit) const;

  // Of the newest durable commit.
  const Stamp& stamp() const { return stamp_; }
  // The next commit: on the disk, and known to the witness, when it returns. kStorageFull: reopen()
  // says what became of it. Any other error: nothing is known any more.
  Status commit(const Stamp& stamp, const std::vector<Batch>& batches);
  // Of all commits so far.
  Status sync_witness();
  // Closes and opens it as after a crash; readers wait. The stamp says how far it reaches: a commit that
  // found no space is in it as a whole, or not at all. kStorageFull: it stays closed, and this may be
  // tried again.
  Status reopen();

  rocksdb::FileSystem& files() const { return *files_; }
  FailStop& fail_stop() { return *fail_stop_; }
  const RocksOptions& options() const { return options_; }

 private:
  Error closed() const;

  Database(RocksOptions options, std::shared_ptr<rocksdb::FileSystem> files, DirectoryLock lock);

  const RocksOptions options_;
  const std::shared_ptr<rocksdb::FileSystem> files_;
  const DirectoryLock lock_;
  const std::shared_ptr<FailStop> fail_stop_;
  mutable std::shared_mutex mutex_;  // guards opened_ against being replaced
  std::optional<Opened> opened_;     // none while there is not even space to open it
  Stamp stamp_;
};

}  // namespace skerry::store
