#include "controller/store/rocks_store.h"

#include <fmt/core.h>

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
#include "controller/store/database.h"
#include "controller/store/space_watch.h"

namespace skerry::store {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::chrono::seconds kWitnessSyncInterval{1};
constexpr std::chrono::seconds kIdle{1};  // then the disk is looked at
// Without space: between looks, and between attempts to go on, which grow while they do not last.
constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{30'000};
constexpr std::chrono::minutes kLasts{1};

class RocksStore final : public Store {
 public:
  explicit RocksStore(std::unique_ptr<Database> database);
  ~RocksStore() override;

  Position append(Batch batch) override;
  Position durable() const override { return durable_.load(std::memory_order_acquire); }
  Backlog backlog() const override;
  Space space() const override { return watch_.space(); }
  Result<std::string> get(Table table, std::string_view key) const override {
    return database_->get(table, key);
  }
  Result<std::vector<Entry>> scan(Table table, std::string_view from,
                                  std::size_t limit) const override {
    return database_->scan(table, from, limit);
  }

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
  Status step();
  bool wait_for_work();
  Group next_group();
  Status make_durable(const Group& group);
  void announce(const Group& group, SteadyTime began);
  Status sync_witness();
  Status come_back(const Error& lack, std::size_t waiting_bytes);
  bool pause();
  bool failed() const { return database_->fail_stop().failed(); }

  const std::unique_ptr<Database> database_;
  const RocksOptions& options_;
  SpaceWatch watch_;

  // The thread's own.
  std::optional<SteadyTime> witness_due_;  // when it must be synced
  std::chrono::milliseconds pause_ = kFirstPause;
  SteadyTime came_back_at_{};

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

RocksStore::RocksStore(std::unique_ptr<Database> database)
    : database_(std::move(database)),
      options_(database_->options()),
      watch_(database_->files(), options_.path, options_.reserve_bytes, options_.log),
      durable_(database_->stamp().last),
      appended_(durable_),
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
  while (status && !failed() && wait_for_work()) {
    status = step();
  }
  if (status && !failed()) {
    status = sync_witness();
  }
  if (!status && status.error().code == ErrorCode::kCancelled) {
    if (options_.log && backlog().batches > 0) {
      options_.log(fmt::format(
          "store {}: closed without space: what was appended behind position {} is dropped, nobody "
          "was told of it",
          options_.path, database_->stamp().last));
    }
  } else if (!status) {
    database_->fail_stop().fail(std::move(status).error());
  }
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  taken_.notify_all();
}

// False if all is done and the store closes.
bool RocksStore::wait_for_work() {
  std::unique_lock lock(mutex_);
  const SteadyTime idle = std::chrono::steady_clock::now() + kIdle;
  arrived_.wait_until(lock, std::min(witness_due_.value_or(idle), idle),
                      [this] { return !queue_.empty() || closing_; });
  return !queue_.empty() || !closing_;
}

Status RocksStore::step() {
  watch_.look();
  if (const std::optional<Error> lack = database_->fail_stop().lack()) {
    return come_back(*lack, 0);
  }
  if (witness_due_ && std::chrono::steady_clock::now() >= *witness_due_) {
    return sync_witness();
  }
  const Group group = next_group();
  return group.batches.empty() ? Status() : make_durable(group);
}

RocksStore::Group RocksStore::next_group() {
  std::unique_lock lock(mutex_);
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

Status RocksStore::make_durable(const Group& group) {
  const SteadyTime began = std::chrono::steady_clock::now();
  const Position before = database_->stamp().last;
  const Stamp next{.schema = kSchema,
                   .store_id = database_->stamp().store_id,
                   .first = before + 1,
                   .last = before + group.batches.size()};
  Status done = database_->commit(next, group.batches);
  while (!done && done.error().code == ErrorCode::kStorageFull && !failed()) {
    done = come_back(done.error(), group.bytes);
    if (done && database_->stamp().last == before) {
      done = database_->commit(next, group.batches);
    }
  }
  if (done && database_->stamp() != next && !failed()) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("store {}: came back at position {} after a commit of {} to {}",
                            options_.path, database_->stamp().last, next.first, next.last));
  }
  if (done && !failed()) {
    witness_due_ = witness_due_.value_or(std::chrono::steady_clock::now() + kWitnessSyncInterval);
    announce(group, began);
  }
  return done;
}

void RocksStore::announce(const Group& group, SteadyTime began) {
  {
    const std::lock_guard lock(mutex_);
    commit_bytes_ = 0;
    durable_.store(database_->stamp().last, std::memory_order_release);
  }
  if (options_.on_commit) {
    options_.on_commit(
        {.position = database_->stamp().last,
         .batches = group.batches.size(),
         .bytes = group.bytes,
         .took = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began)});
  }
  if (options_.on_durable) {
    options_.on_durable(database_->stamp().last);
  }
}

Status RocksStore::sync_witness() {
  witness_due_.reset();
  return database_->sync_witness();
}

// Waits for space and opens the database anew, as after a crash. kCancelled: the store closes
// meanwhile.
Status RocksStore::come_back(const Error& lack, std::size_t waiting_bytes) {
  if (Status synced = sync_witness(); !synced) {
    return synced;
  }
  watch_.none(lack);
  const bool lasted = std::chrono::steady_clock::now() - came_back_at_ > kLasts;
  pause_ = lasted ? kFirstPause : std::min(2 * pause_, kLongestPause);
  while (pause() && !failed()) {
    if (!watch_.enough_to_come_back(waiting_bytes)) {
      continue;
    }
    Status opened = database_->reopen();
    if (opened) {
      came_back_at_ = std::chrono::steady_clock::now();
      watch_.came_back(database_->stamp().last);
      return {};
    }
    if (opened.error().code != ErrorCode::kStorageFull) {
      return opened;
    }
    pause_ = std::min(2 * pause_, kLongestPause);
  }
  return fail(ErrorCode::kCancelled, "the store closes without space");
}

// False if the store closes.
bool RocksStore::pause() {
  std::unique_lock lock(mutex_);
  return !arrived_.wait_for(lock, pause_, [this] { return closing_; });
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
  Result<std::unique_ptr<Database>> database = Database::open(std::move(options));
  if (!database) {
    return fail(std::move(database).error());
  }
  return std::make_unique<RocksStore>(*std::move(database));
}

}  // namespace skerry::store
