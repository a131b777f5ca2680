#include "controller/store/opening.h"

#include <fmt/core.h>

#include <optional>
#include <utility>

#include "common/digest.h"
#include "controller/store/recovery.h"

namespace skerry::store {
namespace {

rocksdb::Slice stamp_key() { return {kStampKey.data(), kStampKey.size()}; }

Result<std::unique_ptr<rocksdb::DB>> open_engine(rocksdb::Options options, const std::string& path,
                                                 bool create) {
  options.create_if_missing = create;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status open = rocksdb::DB::Open(options, path, &opened);
  std::unique_ptr<rocksdb::DB> db(opened);
  if (Status status = status_of(open, path); !status) {
    return fail(std::move(status).error());
  }
  return db;
}

// The stamp RocksDB came up with must be the one that was proven; a new store gets its first.
Result<Stamp> settle_stamp(rocksdb::DB& db, const std::string& path,
                           const std::optional<Stamp>& proven) {
  std::string bytes;
  const rocksdb::Status got = db.Get({}, stamp_key(), &bytes);
  if (!got.ok() && !got.IsNotFound()) {
    return fail(status_of(got, path).error());
  }
  const std::optional<Stamp> found = got.ok() ? decode_stamp(bytes) : std::nullopt;
  if (found != proven) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("the store in {} came up at position {}, but its files hold position "
                            "{}. Restore the directory from a backup",
                            path, found ? found->last : 0, proven ? proven->last : 0));
  }
  if (found) {
    return *found;
  }
  Stamp first{.store_id = random_bytes(kStoreIdBytes)};
  if (Status written = write_synced(db, first, {}); !written) {
    return fail(std::move(written).error());
  }
  return first;
}

void tell(const RocksOptions& options, const RecoveryReport& report) {
  if (options.log && report.torn_end) {
    options.log(fmt::format(
        "store {}: cut {} bytes off the log behind position {}: {}", options.path,
        report.lost_bytes, report.position,
        report.damage.empty() ? "an incomplete write that nobody was told of" : report.damage));
  }
  if (options.log && report.witness_missing) {
    options.log(
        fmt::format("store {}: there is no witness, so nothing proves that position {} is "
                    "the last that was acknowledged",
                    options.path, report.position));
  }
}

}  // namespace

std::string full_key(Table table, std::string_view key) {
  std::string full;
  full.reserve(1 + key.size());
  full += static_cast<char>(table);
  full += key;
  return full;
}

Status write_synced(rocksdb::DB& db, const Stamp& stamp, const std::vector<Batch>& batches) {
  rocksdb::WriteBatch writes;
  rocksdb::Status built = writes.Put(stamp_key(), encode(stamp));
  for (const Batch& batch : batches) {
    for (const Write& write : batch) {
      const std::string key = full_key(write.table, write.key);
      if (built.ok()) {
        built = write.value ? writes.Put(key, *write.value) : writes.Delete(key);
      }
    }
  }
  if (!built.ok()) {
    return status_of(built, "batch");
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return status_of(db.Write(synced, &writes), "write to the database");
}

Result<Opened> open_database(const RocksOptions& options,
                             const std::shared_ptr<rocksdb::FileSystem>& files,
                             const std::shared_ptr<FailStop>& fail_stop) {
  const Result<RecoveryPlan> plan = plan_recovery(files, options.path);
  if (!plan) {
    return fail(plan.error());
  }
  if (Status cut = apply_cut(*files, options.path, *plan); !cut) {
    return fail(std::move(cut).error());
  }
  std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(files);
  Result<std::unique_ptr<rocksdb::DB>> db =
      open_engine(engine_options(env.get(), options.log, fail_stop), options.path, plan->create);
  if (!db) {
    return fail(std::move(db).error());
  }
  Result<Stamp> stamp = settle_stamp(**db, options.path, plan->stamp);
  if (!stamp) {
    return fail(std::move(stamp).error());
  }
  Result<Witness> witness =
      Witness::create(*files, options.path, std::string(kWitnessName), *stamp);
  if (!witness) {
    return fail(std::move(witness).error());
  }
  tell(options, plan->report);
  return Opened{.env = std::move(env),
                .db = *std::move(db),
                .witness = *std::move(witness),
                .stamp = *std::move(stamp),
                .report = plan->report};
}

}  // namespace skerry::store
