#include "controller/store/recovery.h"

#include <fmt/core.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <algorithm>
#include <utility>

#include "controller/store/directory.h"
#include "controller/store/engine.h"
#include "controller/store/witness.h"

namespace skerry::store {
namespace {

constexpr std::string_view kLogSuffix = ".log";
constexpr std::string_view kTableSuffix = ".sst";

// Shows RocksDB the tables alone.
class WithoutLogs final : public rocksdb::FileSystemWrapper {
 public:
  using rocksdb::FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "WithoutLogs"; }

  rocksdb::IOStatus GetChildren(const std::string& directory, const rocksdb::IOOptions& options,
                                std::vector<std::string>* names,
                                rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus listed = target()->GetChildren(directory, options, names, debug);
    std::erase_if(*names, [](const std::string& name) { return name.ends_with(kLogSuffix); });
    return listed;
  }
};

struct Files {
  bool current = false;  // names the manifest: there is a database
  bool tables = false;
  std::vector<std::string> logs;  // by number
};

Result<Files> list(rocksdb::FileSystem& files, const std::string& path) {
  std::vector<std::string> names;
  if (Status listed = status_of(files.GetChildren(path, {}, &names, nullptr), path); !listed) {
    return fail(std::move(listed).error());
  }
  Files found;
  for (const std::string& name : names) {
    found.current = found.current || name == "CURRENT";
    found.tables = found.tables || name.ends_with(kTableSuffix);
    if (name.ends_with(kLogSuffix)) {
      found.logs.push_back(name);
    }
  }
  // RocksDB pads numbers to six digits; longer ones are greater.
  std::ranges::sort(found.logs, [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  return found;
}

Result<std::optional<Stamp>> stamp_in_tables(const std::shared_ptr<rocksdb::FileSystem>& files,
                                             const std::string& path) {
  const std::unique_ptr<rocksdb::Env> env =
      rocksdb::NewCompositeEnv(std::make_shared<WithoutLogs>(files));
  const auto ignored = std::make_shared<FailStop>([](const Error&) {});
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status open =
      rocksdb::DB::OpenForReadOnly(engine_options(env.get(), {}, ignored), path, &opened);
  const std::unique_ptr<rocksdb::DB> db(opened);
  if (Status status = status_of(open, path); !status) {
    return fail(std::move(status).error());
  }
  std::string bytes;
  const rocksdb::Status got = db->Get({}, {kStampKey.data(), kStampKey.size()}, &bytes);
  if (got.IsNotFound()) {
    return std::optional<Stamp>();
  }
  if (Status status = status_of(got, path); !status) {
    return fail(std::move(status).error());
  }
  std::optional<Stamp> stamp = decode_stamp(bytes);
  if (!stamp) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{}: the stamp in the tables is unreadable", path));
  }
  return stamp;
}

Result<WalFinding> check_logs(rocksdb::FileSystem& files, const std::string& path,
                              const std::vector<std::string>& logs, WalCheck check) {
  for (const std::string& log : logs) {
    std::string bytes;
    const std::string name = fmt::format("{}/{}", path, log);
    if (Status read = status_of(rocksdb::ReadFileToString(&files, name, &bytes), name); !read) {
      return fail(std::move(read).error());
    }
    check.read(log, bytes);
  }
  return check.finding();
}

Error refusal(const std::string& path, const std::string& why) {
  return {ErrorCode::kCorrupt,
          fmt::format("the store in {} has lost or damaged acknowledged work: {}. Nothing was "
                      "changed. Restore the directory from a backup",
                      path, why)};
}

// As above, where something consistent is left to go on with.
Error refusal(const std::string& path, const std::string& why, Position readable) {
  Error error = refusal(path, why);
  error.message += fmt::format(
      "; or, to go on with what is readable up to position {} and forget what was acknowledged "
      "after it, move {}/{} away and start again",
      readable, path, kWitnessName);
  return error;
}

// Whether what is there may be opened, given what must be there.
Status judge(const std::string& path, const Files& present, const WalFinding& found,
             const std::optional<Stamp>& witness) {
  const Position readable = found.last ? found.last->last : 0;
  // A creation that was interrupted leaves neither tables nor whole records.
  if (!witness && !found.last && (present.tables || found.damage)) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{} holds a database that is not Skerry's, or nothing readable of one. "
                            "Nothing was changed. Choose another directory",
                            path));
  }
  if (found.last && found.last->schema > kSchema) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("the store in {} was written by a newer Skerry (schema {}; this one "
                            "knows {}): start the newer one, or restore a backup from before",
                            path, found.last->schema, kSchema));
  }
  if (!witness) {
    return {};
  }
  if (found.last && found.last->store_id != witness->store_id) {
    return fail(refusal(path, "its witness belongs to another store"));
  }
  if (found.damage) {
    return fail(found.last ? refusal(path, *found.damage, readable) : refusal(path, *found.damage));
  }
  if (!found.last || readable < witness->last) {
    return fail(refusal(
        path,
        fmt::format("it ends at position {}, but {} was acknowledged", readable, witness->last),
        readable));
  }
  return {};
}

RecoveryPlan plan_from(WalFinding found, const std::optional<Stamp>& witness,
                       const std::vector<std::string>& logs) {
  RecoveryPlan plan;
  plan.stamp = std::move(found.last);
  plan.report = {.position = plan.stamp ? plan.stamp->last : 0,
                 .witness_position = witness ? witness->last : 0,
                 .witness_missing = !witness && plan.stamp && plan.stamp->last > 0,
                 .torn_end = found.cut.has_value(),
                 .lost_bytes = found.cut ? found.cut->lost_bytes : 0,
                 .damage = found.damage.value_or("")};
  plan.keep_what_is_cut = found.damage.has_value();
  if (found.cut) {
    plan.later_logs.assign(std::ranges::find(logs, found.cut->file) + 1, logs.end());
  }
  plan.cut = std::move(found.cut);
  return plan;
}

}  // namespace

Result<RecoveryPlan> plan_recovery(const std::shared_ptr<rocksdb::FileSystem>& files,
                                   const std::string& path) {
  const Result<Files> present = list(*files, path);
  if (!present) {
    return fail(present.error());
  }
  const Result<std::optional<Stamp>> witness =
      Witness::read(*files, path + "/" + std::string(kWitnessName));
  if (!witness) {
    return fail(witness.error().code == ErrorCode::kCorrupt ? refusal(path, witness.error().message)
                                                            : witness.error());
  }
  if (!present->current) {
    if (*witness || present->tables || !present->logs.empty()) {
      return fail(refusal(path, "the file CURRENT is gone"));
    }
    return RecoveryPlan{.create = true, .report = {.created = true}};
  }
  const Result<std::optional<Stamp>> tables = stamp_in_tables(files, path);
  if (!tables) {
    return fail(tables.error().code == ErrorCode::kCorrupt ? refusal(path, tables.error().message)
                                                           : tables.error());
  }
  const std::string id =
      *tables ? (*tables)->store_id : (*witness ? (*witness)->store_id : std::string());
  Result<WalFinding> found = check_logs(*files, path, present->logs, WalCheck(*tables, id));
  if (!found) {
    return fail(std::move(found).error());
  }
  if (Status judged = judge(path, *present, *found, *witness); !judged) {
    return fail(std::move(judged).error());
  }
  return plan_from(*std::move(found), *witness, present->logs);
}

Status apply_cut(rocksdb::FileSystem& files, const std::string& path, const RecoveryPlan& plan) {
  if (!plan.cut) {
    return {};
  }
  const std::string log = path + "/" + plan.cut->file;
  rocksdb::IOStatus done;
  if (plan.keep_what_is_cut) {
    std::string bytes;
    done = rocksdb::ReadFileToString(&files, log, &bytes);
    if (done.ok()) {
      done = rocksdb::WriteStringToFile(&files, bytes, log + ".damaged", /*should_sync=*/true);
    }
  }
  // Later logs first: were the cut made first and this interrupted, they would look damaged.
  for (const std::string& later : plan.later_logs) {
    if (done.ok()) {
      const std::string name = fmt::format("{}/{}", path, later);
      done = files.RenameFile(name, name + ".damaged", {}, nullptr);
    }
  }
  if (done.ok()) {
    done = sync_directory(files, path);
  }
  std::unique_ptr<rocksdb::FSWritableFile> file;
  if (done.ok()) {
    done = files.ReopenWritableFile(log, {}, &file, nullptr);
  }
  if (done.ok()) {
    done = file->Truncate(plan.cut->offset, {}, nullptr);
  }
  if (done.ok()) {
    done = file->Fsync({}, nullptr);
  }
  if (done.ok()) {
    done = file->Close({}, nullptr);
  }
  return status_of(done, log);
}

}  // namespace skerry::store
