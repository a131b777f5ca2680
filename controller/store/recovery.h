// recovery.h: proves, before RocksDB may change a byte, that a store holds everything that was
// acknowledged.
//
//   tables     opened read-only with the logs hidden: the newest commit they hold
//   logs       read by WalCheck: the newest commit that connects, a torn end, damage
//   witness    the newest commit that must be there
//
//   damage in the logs, or less than the witness says  -> refused (kCorrupt), nothing changed
//   a torn end behind what the witness says            -> cut off: nobody was told of it
//   no witness                                         -> an operator moved it away to go on with
//                                                         what is readable: damaged logs are cut,
//                                                         and what is cut off is kept beside them
//
// Call with the directory locked.

#pragma once

#include <rocksdb/file_system.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/store/rocks_store.h"
#include "controller/store/stamp.h"
#include "controller/store/wal_check.h"

namespace skerry::store {

inline constexpr std::string_view kWitnessName = "witness";

struct RecoveryPlan {
  bool create = false;         // there is no database yet
  std::optional<Stamp> stamp;  // newest commit to be recovered; nullopt: none was ever made
  std::optional<LogCut> cut;   // to be made before RocksDB opens the logs
  bool keep_what_is_cut = false;
  std::vector<std::string> later_logs;  // behind the cut
  RecoveryReport report;
};

// Changes nothing. kCorrupt, kUnsupported (newer schema), kIo.
Result<RecoveryPlan> plan_recovery(const std::shared_ptr<rocksdb::FileSystem>& files,
                                   const std::string& path);

// Makes the plan's cut, durably. kIo; may be repeated.
Status apply_cut(rocksdb::FileSystem& files, const std::string& path, const RecoveryPlan& plan);

}  // namespace skerry::store
