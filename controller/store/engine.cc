#include "controller/store/engine.h"

#include <fmt/core.h>
#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>

#include <cstdarg>
#include <cstdio>
#include <utility>

namespace skerry::store {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;

class WarningLog final : public rocksdb::Logger {
 public:
  explicit WarningLog(std::function<void(std::string_view)> log)
      : rocksdb::Logger(rocksdb::WARN_LEVEL), log_(std::move(log)) {}

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char line[512];
    const int length = std::vsnprintf(line, sizeof(line), format, arguments);
    if (length > 0 && log_) {
      log_(fmt::format("rocksdb: {}", static_cast<const char*>(line)));
    }
  }

 private:
  std::function<void(std::string_view)> log_;
};

class FailureListener final : public rocksdb::EventListener {
 public:
  explicit FailureListener(std::shared_ptr<FailStop> fail_stop)
      : fail_stop_(std::move(fail_stop)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) override {
    Status status = status_of(*error, "the database");
    if (!status && status.error().code == ErrorCode::kStorageFull) {
      fail_stop_->lack_space(std::move(status).error());
    } else if (!status) {
      fail_stop_->fail(std::move(status).error());
    }
  }
  // RocksDB would go on by itself once there is space.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  std::shared_ptr<FailStop> fail_stop_;
};

rocksdb::BlockBasedTableOptions table_options() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(16 * kMiB);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_size = 16 * 1024;
  return table;
}

}  // namespace

Status status_of(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) {
    return {};
  }
  if (status.IsNoSpace()) {
    return fail(ErrorCode::kStorageFull, fmt::format("{}: {}", what, status.ToString()));
  }
  const bool corrupt = status.IsCorruption() || status.IsNotFound() || status.IsPathNotFound() ||
                       status.IsInvalidArgument();
  return fail(corrupt ? ErrorCode::kCorrupt : ErrorCode::kIo,
              fmt::format("{}: {}", what, status.ToString()));
}

void FailStop::fail(Error error) {
  const std::lock_guard lock(mutex_);
  if (error_) {
    return;
  }
  error_ = std::move(error);
  failed_.store(true, std::memory_order_release);
  if (armed_) {
    handler_(*error_);
  }
}

void FailStop::lack_space(Error error) {
  const std::lock_guard lock(mutex_);
  lack_ = lack_ ? lack_ : std::move(error);
}

std::optional<Error> FailStop::lack() const {
  const std::lock_guard lock(mutex_);
  return lack_;
}

void FailStop::forget_lack() {
  const std::lock_guard lock(mutex_);
  lack_.reset();
}

Status FailStop::arm() {
  const std::lock_guard lock(mutex_);
  if (error_) {
    return skerry::fail(*error_);
  }
  armed_ = true;
  return {};
}

rocksdb::Options engine_options(rocksdb::Env* env, const std::function<void(std::string_view)>& log,
                                const std::shared_ptr<FailStop>& fail_stop) {
  rocksdb::Options options;
  options.env = env;
  options.info_log = std::make_shared<WarningLog>(log);
  options.listeners.push_back(std::make_shared<FailureListener>(fail_stop));

  // Durability.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kAbsoluteConsistency;
  options.paranoid_checks = true;
  options.max_bgerror_resume_count = 0;
  options.recycle_log_file_num = 0;
  options.enable_pipelined_write = false;
  options.unordered_write = false;
  options.two_write_queues = false;
  options.avoid_flush_during_recovery = false;
  options.wal_compression = rocksdb::kNoCompression;

  // Footprint and time to restart.
  options.write_buffer_size = 16 * kMiB;
  options.max_write_buffer_number = 3;
  options.max_total_wal_size = 64 * kMiB;
  options.level_compaction_dynamic_level_bytes = true;
  options.max_bytes_for_level_base = 64 * kMiB;
  options.target_file_size_base = 32 * kMiB;
  options.compression = rocksdb::kNoCompression;
  options.bottommost_compression = rocksdb::kNoCompression;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options()));
  options.max_open_files = 512;
  options.max_file_opening_threads = 2;
  options.max_background_jobs = 2;
  options.bytes_per_sync = kMiB;
  options.skip_stats_update_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;

  // One thread writes, so nothing is gained by preparing for several.
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  return options;
}

}  // namespace skerry::store
