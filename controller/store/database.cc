#include "controller/store/database.h"

#include <fmt/core.h>

#include <mutex>
#include <utility>

#include "controller/store/strict_files.h"

namespace skerry::store {

Database::Database(RocksOptions options, std::shared_ptr<rocksdb::FileSystem> files,
                   DirectoryLock lock)
    : options_(std::move(options)),
      files_(std::move(files)),
      lock_(std::move(lock)),
      fail_stop_(std::make_shared<FailStop>(options_.on_fatal)) {}

Result<std::unique_ptr<Database>> Database::open(RocksOptions options) {
  const std::shared_ptr<rocksdb::FileSystem> files =
      strict_files(options.files ? options.files : rocksdb::FileSystem::Default());
  if (Status made = make_directory(*files, options.path); !made) {
    return fail(std::move(made).error());
  }
  Result<DirectoryLock> lock = DirectoryLock::take(files, options.path);
  if (!lock) {
    return fail(std::move(lock).error());
  }
  std::unique_ptr<Database> database(new Database(std::move(options), files, *std::move(lock)));
  Result<Opened> opened = open_database(database->options_, files, database->fail_stop_);
  if (!opened) {
    return fail(std::move(opened).error());
  }
  if (Status armed = database->fail_stop_->arm(); !armed) {
    return fail(std::move(armed).error());
  }
  database->stamp_ = opened->stamp;
  if (database->options_.on_recovered) {
    database->options_.on_recovered(opened->report);
  }
  database->opened_.emplace(*std::move(opened));
  return database;
}

Status Database::reopen() {
  const std::unique_lock lock(mutex_);
  opened_.reset();
  fail_stop_->forget_lack();
  Result<Opened> opened = open_database(options_, files_, fail_stop_);
  if (!opened) {
    return fail(std::move(opened).error());
  }
  stamp_ = opened->stamp;
  opened_.emplace(*std::move(opened));
  return {};
}

Status Database::commit(const Stamp& stamp, const std::vector<Batch>& batches) {
  if (Status written = write_synced(*opened_->db, stamp, batches); !written) {
    return written;
  }
  if (Status noted = opened_->witness.write(stamp); !noted) {
    return noted;
  }
  stamp_ = stamp;
  return {};
}

Status Database::sync_witness() { return opened_ ? opened_->witness.sync() : Status(); }

Result<std::string> Database::get(Table table, std::string_view key) const {
  const std::shared_lock lock(mutex_);
  if (!opened_) {
    return fail(closed());
  }
  std::string value;
  const rocksdb::Status got = opened_->db->Get({}, full_key(table, key), &value);
  if (got.IsNotFound()) {
    return fail(ErrorCode::kNotFound, fmt::format("table {} has no such key", int(table)));
  }
  if (Status status = status_of(got, options_.path); !status) {
    return fail(std::move(status).error());
  }
  return value;
}

Result<std::vector<Entry>> Database::scan(Table table, std::string_view from,
                                          std::size_t limit) const {
  const std::string first = full_key(table, from);
  const std::string end(1, static_cast<char>(static_cast<int>(table) + 1));
  const rocksdb::Slice upper_bound(end);
  rocksdb::ReadOptions reading;
  reading.iterate_upper_bound = &upper_bound;
  reading.fill_cache = false;
  const std::shared_lock lock(mutex_);
  if (!opened_) {
    return fail(closed());
  }
  const std::unique_ptr<rocksdb::Iterator> at(opened_->db->NewIterator(reading));
  std::vector<Entry> entries;
  at->Seek(first);
  while (entries.size() < limit && at->Valid()) {
    rocksdb::Slice key = at->key();
    key.remove_prefix(1);
    entries.push_back({key.ToString(), at->value().ToString()});
    if (entries.size() < limit) {
      at->Next();
    }
  }
  if (Status status = status_of(at->status(), options_.path); !status) {
    return fail(std::move(status).error());
  }
  return entries;
}

Error Database::closed() const {
  return {ErrorCode::kStorageFull,
          fmt::format("the store in {} cannot be read while there is no space to open it",
                      options_.path)};
}

}  // namespace skerry::store
