// rocks_store.h: the store on RocksDB.
//
// Owner of: one directory (mode 0700, locked for one process) and one thread. The thread takes all
// batches that wait, writes them as one RocksDB batch with its stamp (stamp.h), syncs the log,
// notes the position in the witness (witness.h), then calls on_durable. What arrives meanwhile is
// the next commit. Opening proves that nothing acknowledged is missing (recovery.h).
//
// A failed write, sync, flush or compaction ends the process at once: log, standard error, exit
// status kFatalExitStatus.
//
// But if there is no space (which only what adds bytes may say: strict_files.h), the commit under way
// and all that is appended wait in memory, nobody is told of any of it, and reads go on. When there is
// space again the database is closed and opened as after a crash, through the same recovery: the
// commit had reached the log whole, and counts, or it is made again.
//
// Destroying the store makes everything appended durable first, if there is space, then closes.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/time.h"
#include "controller/store/store.h"

namespace rocksdb {
class FileSystem;
}

namespace skerry::store {

inline constexpr int kFatalExitStatus = 74;  // EX_IOERR of sysexits.h
inline constexpr std::size_t kQueueLimitBytes = 256 * 1024 * 1024;

// What opening found.
struct RecoveryReport {
  Position position = 0;          // everything up to here is there
  Position witness_position = 0;  // had to be there
  bool created = false;
  bool witness_missing = false;  // nothing proves that acknowledged work is complete
  bool torn_end = false;         // an incomplete commit nobody was told of was cut off the log
  std::uint64_t lost_bytes = 0;  // of log, cut off
  std::string damage;            // accepted by moving the witness away; empty: none
};

struct CommitInfo {
  Position position = 0;    // of the last batch in it
  std::size_t batches = 0;  // that shared the sync
  std::size_t bytes = 0;    // of keys and values
  Duration took = {};       // write, sync and witness
};

struct RocksOptions {
  std::string path;

  // Called on the store's thread; they must only hand on. Any may be empty.
  std::function<void(Position)> on_durable = {};
  std::function<void(const CommitInfo&)> on_commit = {};  // before on_durable; for metrics
  // Called once, before open returns.
  std::function<void(const RecoveryReport&)> on_recovered = {};
  // Warnings and errors, a sentence each; from any thread.
  std::function<void(std::string_view)> log = {};
  // In place of ending the process; for tests. After it nothing becomes durable any more.
  std::function<void(const Error&)> on_fatal = {};

  // A commit takes waiting batches until it has this many bytes, so that one sync stays short.
  std::size_t commit_limit_bytes = 4 * 1024 * 1024;
  // append() blocks while more than this waits: the last resort if the disk cannot keep up. Who
  // accepts work looks at backlog() and refuses long before (controller/driver.h).
  std::size_t queue_limit_bytes = kQueueLimitBytes;

  // Below so much free space it is told that there is little (Store::space); 0: never. Meanwhile it
  // goes on, so this is what accepted work, and RocksDB's own rewriting of files, have left.
  std::uint64_t reserve_bytes = 0;

  // The files; empty: the operating system's. For tests.
  std::shared_ptr<rocksdb::FileSystem> files = {};
};

// kUnavailable: another process has it. kStorageFull. kCorrupt: acknowledged work is missing or damaged; the
// sentence says what to do, and nothing was changed. kUnsupported: a newer schema. kIo.
Result<std::unique_ptr<Store>> open_rocks_store(RocksOptions options);

}  // namespace skerry::store
