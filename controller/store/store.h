// store.h: durable key-value storage as the controller needs it: atomic batches and ordered scans.
//
// Nothing outside controller/store may assume an engine. One implementation is RocksDB
// (rocks_store.h), another is memory with scripted faults, for tests (memory_store.h).
//
// append() queues a batch and returns its position at once; batches become durable in the order
// they were appended, many at a time: while one sync runs, what arrives is gathered for the next
// (group commit). on_durable is called with the newest durable position from the store's own
// thread, never before the data is synced, and must only hand it on. A failed write or sync is not
// survivable (G7): the store logs the reason and ends the process at once, because what the disk
// holds is no longer known. But for want of space: what was appended then waits until there is some
// (space()).
//
// Threads: append from one thread at a time; the others from any thread. get and scan see durable
// batches only.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace skerry::store {

// A table is a prefix of the key space; its number is part of the stored format and is never
// reused.
enum class Table : std::uint8_t {
  kMeta = 1,    // epoch and the like; the store keeps its schema and position elsewhere
  kJob = 2,     // what was submitted: written once
  kTask = 3,    // where it stands: written at every durable transition
  kResult = 4,  // what came out: written once
  kNode = 5,
  kModel = 6,
  kIdempotency = 7,
  kDecision = 8,
  kPolicy = 9,
  kToken = 10,
  kJoinToken = 11,
  kNodeIdentity = 12,
  kAudit = 13,  // by number; the oldest are deleted
};

struct Write {
  Table table = Table::kMeta;
  std::string key;
  std::optional<std::string> value;  // nullopt deletes
};
using Batch = std::vector<Write>;

// Position of a batch in the order of commits; 0 = nothing.
using Position = std::uint64_t;

struct Entry {
  std::string key;
  std::string value;
};

// What was appended and is not durable yet: how far the disk is behind.
struct Backlog {
  std::uint64_t batches = 0;
  std::uint64_t bytes = 0;  // of keys and values
};

inline std::size_t size_bytes(const Batch& batch) {
  std::size_t bytes = 0;
  for (const Write& write : batch) {
    bytes += write.key.size() + (write.value ? write.value->size() : 0);
  }
  return bytes;
}

// What is left where the store lives.
struct Space {
  enum class State : std::uint8_t {
    kEnough,
    kLow,   // only what is kept for work that was accepted: nothing new is to be taken
    kNone,  // nothing becomes durable until there is some again
  };
  State state = State::kEnough;
  std::uint64_t free_bytes = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  // Atomic: after a crash all of the batch is there or none of it. An empty batch is a programmer
  // error.
  virtual Position append(Batch batch) = 0;
  virtual Position durable() const = 0;
  virtual Backlog backlog() const = 0;
  virtual Space space() const { return {}; }

  // kNotFound; kCorrupt if stored bytes fail their check; kStorageFull where the store waits for space
  // and cannot be read meanwhile.
  virtual Result<std::string> get(Table table, std::string_view key) const = 0;
  // Entries with key >= from, in key order, at most `limit`. A short answer means the table's end.
  virtual Result<std::vector<Entry>> scan(Table table, std::string_view from,
                                          std::size_t limit) const = 0;
};

}  // namespace skerry::store
