#include "controller/store/rocks_store.h"

#include <fmt/core.h>
#include <rocksdb/db.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "common/check.h"
#include "controller/store/engine.h"
#include "controller/store/opening.h"

namespace skerry::store {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::chrono::seconds kWitnessSyncInterval{1};

class RocksStore final : public Store {
 public:
  RocksStore(RocksOptions options, Opened opened);
  ~RocksStore() override;

  Position append(Batch batch) override;
  Position durable() const override { return durable_.load(std::memory_order_acquire); }
  Backlog backlog() const override;
  Result<std::string> get(Table table, std::string_view key) const override;
  Result<std::vector<Entry>> scan(Table table, std::string_view from,
                                  std::size_t limit) const override;

 private:
  struct Waiting {
    Batch batch;
    std::size_t bytes = 0;
  };
  struct Group {
    std::vector<Batch> batches;
    std::size_t bytes = 0;
  };

  void run();
  std::optional<Group> next_group();
  Status commit(const Group& group);
  Status sync_witness();

  const RocksOptions options_;
  Opened opened_;                          // its stamp and witness: the thread's own
  std::optional<SteadyTime> witness_due_;  // when it must be synced; the thread's own
  std::atomic<Position> durable_;

  // Guards what follows: batches go from the appending thread to the store's own.
  mutable std::mutex mutex_;
  std::condition_variable arrived_;  // the thread waits: a batch, closing
  std::condition_variable taken_;    // append waits: room in the queue
  std::deque<Waiting> queue_;
  std::size_t queue_bytes_ = 0;
  std::size_t commit_bytes_ = 0;  // taken from the queue and not durable yet
  Position appended_;
  bool closing_ = false;
  bool stopped_ = false;  // after a failure nothing is taken from the queue any more

  std::thread thread_;
};

RocksStore::RocksStore(RocksOptions options, Opened opened)
    : options_(std::move(options)),
      opened_(std::move(opened)),
      durable_(opened_.stamp.last),
      appended_(opened_.stamp.last),
      thread_([this] { run(); }) {}

RocksStore::~RocksStore() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

Position RocksStore::append(Batch batch) {
  check(!batch.empty(), "a batch to append holds at least one write");
  const std::size_t bytes = size_bytes(batch);
  std::unique_lock lock(mutex_);
  taken_.wait(lock, [&] { return queue_bytes_ <= options_.queue_limit_bytes || stopped_; });
  appended_ += 1;
  if (!stopped_) {
    queue_.push_back({std::move(batch), bytes});
    queue_bytes_ += bytes;
  }
  const Position position = appended_;
  lock.unlock();
  arrived_.notify_one();
  return position;
}

Backlog RocksStore::backlog() const {
  const std::lock_guard lock(mutex_);
  return {.batches = appended_ - durable(), .bytes = queue_bytes_ + commit_bytes_};
}

void RocksStore::run() {
  Status status;
  while (status && !opened_.fail_stop->failed()) {
    const std::optional<Group> group = next_group();
    if (!group) {
      break;
    }
    status = group->batches.empty() ? sync_witness() : commit(*group);
  }
  if (status && !opened_.fail_stop->failed()) {
    status = sync_witness();
  }
  if (!status) {
    opened_.fail_stop->fail(std::move(status).error());
  }
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  taken_.notify_all();
}

// Empty if only the witness is due; nullopt if all is done and the store closes.
std::optional<RocksStore::Group> RocksStore::next_group() {
  std::unique_lock lock(mutex_);
  const auto something = [this] { return !queue_.empty() || closing_; };
  if (!witness_due_) {
    arrived_.wait(lock, something);
  } else if (std::chrono::steady_clock::now() >= *witness_due_ ||
             !arrived_.wait_until(lock, *witness_due_, something)) {
    return Group{};
  }
  if (queue_.empty()) {
    return std::nullopt;
  }
  Group group;
  while (!queue_.empty() && (group.batches.empty() ||
                             group.bytes + queue_.front().bytes <= options_.commit_limit_bytes)) {
    group.bytes += queue_.front().bytes;
    group.batches.push_back(std::move(queue_.front().batch));
    queue_.pop_front();
  }
  queue_bytes_ -= group.bytes;
  commit_bytes_ = group.bytes;
  lock.unlock();
  taken_.notify_one();
  return group;
}

Status RocksStore::commit(const Group& group) {
  const SteadyTime began = std::chrono::steady_clock::now();
  Stamp& stamp = opened_.stamp;
  stamp.schema = kSchema;
  stamp.first = stamp.last + 1;
  stamp.last += group.batches.size();
  if (Status written = write_synced(*opened_.db, stamp, group.batches); !written) {
    return written;
  }
  if (Status noted = opened_.witness.write(stamp); !noted) {
    return noted;
  }
  if (opened_.fail_stop->failed()) {
    return {};
  }
  const SteadyTime ended = std::chrono::steady_clock::now();
  witness_due_ = witness_due_.value_or(ended + kWitnessSyncInterval);
  {
    const std::lock_guard lock(mutex_);
    commit_bytes_ = 0;
    durable_.store(stamp.last, std::memory_order_release);
  }
  if (options_.on_commit) {
    options_.on_commit({.position = stamp.last,
                        .batches = group.batches.size(),
                        .bytes = group.bytes,
                        .took = std::chrono::duration_cast<Duration>(ended - began)});
  }
  if (options_.on_durable) {
    options_.on_durable(stamp.last);
  }
  return {};
}

Status RocksStore::sync_witness() {
  witness_due_.reset();
  return opened_.witness.sync();
}

Result<std::string> RocksStore::get(Table table, std::string_view key) const {
  std::string value;
  const rocksdb::Status got = opened_.db->Get({}, full_key(table, key), &value);
  if (got.IsNotFound()) {
    return fail(ErrorCode::kNotFound, fmt::format("table {} has no such key", int(table)));
  }
  if (Status status = status_of(got, options_.path); !status) {
    return fail(std::move(status).error());
  }
  return value;
}

Result<std::vector<Entry>> RocksStore::scan(Table table, std::string_view from,
                                            std::size_t limit) const {
  const std::string first = full_key(table, from);
  const std::string end(1, static_cast<char>(static_cast<int>(table) + 1));
  const rocksdb::Slice upper_bound(end);
  rocksdb::ReadOptions reading;
  reading.iterate_upper_bound = &upper_bound;
  reading.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(opened_.db->NewIterator(reading));
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

void end_process(const RocksOptions& options, const Error& error) {
  const std::string sentence = fmt::format(
      "the store failed and the process ends, since what the disk holds is not known "
      "any more: {}",
      error.message);
  if (options.log) {
    options.log(sentence);
  }
  std::fprintf(stderr, "skerry: %s\n", sentence.c_str());
  std::fflush(nullptr);
  std::_Exit(kFatalExitStatus);
}

}  // namespace

Result<std::unique_ptr<Store>> open_rocks_store(RocksOptions options) {
  if (!options.on_fatal) {
    // A copy without the handler itself, which the handler may outlive.
    options.on_fatal = [copy = options](const Error& error) { end_process(copy, error); };
  }
  Result<Opened> opened = open_database(options);
  if (!opened) {
    return fail(std::move(opened).error());
  }
  return std::make_unique<RocksStore>(std::move(options), *std::move(opened));
}

}  // namespace skerry::store
