// engine.h: RocksDB as the store runs it: its options, its errors in our words, its log and its
// background failures.

#pragma once

#include <rocksdb/options.h>
#include <rocksdb/status.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "common/error.h"

namespace skerry::store {

// Corruption, and files that should exist but do not -> kCorrupt; no space -> kStorageFull (over
// strict_files.h: and nothing that was taken is lost); anything else -> kIo.
Status status_of(const rocksdb::Status& status, std::string_view what);

// Decides once that the store cannot go on, from whichever thread notices first.
// Thread-safe. The handler runs under the lock, once, and in production does not return.
class FailStop {
 public:
  explicit FailStop(std::function<void(const Error&)> handler) : handler_(std::move(handler)) {}

  // Before arm() the error is only kept.
  void fail(Error error);
  // From now on errors reach the handler; an earlier one is returned.
  Status arm();
  bool failed() const { return failed_.load(std::memory_order_acquire); }

  // A background job found no space. The database then works no further, and is opened anew.
  void lack_space(Error error);
  std::optional<Error> lack() const;
  void forget_lack();

 private:
  std::function<void(const Error&)> handler_;
  mutable std::mutex mutex_;
  bool armed_ = false;
  std::optional<Error> error_;
  std::optional<Error> lack_;
  std::atomic<bool> failed_ = false;
};

// docs/decisions/store.md says why each option is as it is. `log` gets RocksDB's warnings and
// errors; `fail_stop` its background errors.
rocksdb::Options engine_options(rocksdb::Env* env, const std::function<void(std::string_view)>& log,
                                const std::shared_ptr<FailStop>& fail_stop);

}  // namespace skerry::store
