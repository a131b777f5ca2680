// memory_store.h: a store in memory whose disk is scripted, for tests and the simulation.
//
// Nothing becomes durable by itself: sync() plays the disk, fail_at() makes it refuse, crash()
// plays a loss of power at any moment. The same object stands for the store before and after the
// crash.
//
// Threads: any; callbacks run in the thread that calls sync().

#pragma once

#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "controller/store/store.h"

namespace skerry::store {

struct MemoryOptions {
  std::function<void(Position)> on_durable = {};
  std::function<void(const Error&)> on_fatal = {};
};

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(MemoryOptions options = {}) : options_(std::move(options)) {}

  Position append(Batch batch) override;
  Position durable() const override;
  Backlog backlog() const override;
  Result<std::string> get(Table table, std::string_view key) const override;
  Result<std::vector<Entry>> scan(Table table, std::string_view from,
                                  std::size_t limit) const override;

  // Makes appended batches durable up to and including `until`, and tells on_durable once if there
  // were any. Returns durable().
  Position sync(Position until = std::numeric_limits<Position>::max());
  Position appended() const;

  // The sync that would make `position` durable fails as a whole: nobody is told of any of its
  // batches, on_fatal is called, and nothing becomes durable until crash().
  void fail_at(Position position);

  // What was appended but not synced is lost, except for the batches up to `survives`: they had
  // reached the disk, though nobody was told. Then the store is as after opening it again.
  void crash(Position survives = 0);

 private:
  void apply_until(Position position);  // the lock is held

  const MemoryOptions options_;
  mutable std::mutex mutex_;
  std::map<std::pair<Table, std::string>, std::string> entries_;
  std::deque<Batch> waiting_;
  Position durable_ = 0;
  std::optional<Position> fails_at_;
  bool failed_ = false;
};

}  // namespace skerry::store
