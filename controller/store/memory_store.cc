#include "controller/store/memory_store.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace skerry::store {

Position MemoryStore::append(Batch batch) {
  check(!batch.empty(), "a batch to append holds at least one write");
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(batch));
  return durable_ + waiting_.size();
}

Position MemoryStore::durable() const {
  const std::lock_guard lock(mutex_);
  return durable_;
}

Backlog MemoryStore::backlog() const {
  const std::lock_guard lock(mutex_);
  Backlog backlog{.batches = waiting_.size()};
  for (const Batch& batch : waiting_) {
    backlog.bytes += size_bytes(batch);
  }
  return backlog;
}

Position MemoryStore::appended() const {
  const std::lock_guard lock(mutex_);
  return durable_ + waiting_.size();
}

Result<std::string> MemoryStore::get(Table table, std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find({table, std::string(key)});
  if (found == entries_.end()) {
    return fail(ErrorCode::kNotFound, "no such key");
  }
  return found->second;
}

Result<std::vector<Entry>> MemoryStore::scan(Table table, std::string_view from,
                                             std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> found;
  auto at = entries_.lower_bound({table, std::string(from)});
  while (at != entries_.end() && at->first.first == table && found.size() < limit) {
    found.push_back({at->first.second, at->second});
    ++at;
  }
  return found;
}

Position MemoryStore::sync(Position until) {
  std::unique_lock lock(mutex_);
  const Position target = std::min<Position>(until, durable_ + waiting_.size());
  if (failed_ || target <= durable_) {
    return durable_;
  }
  if (fails_at_ && target >= *fails_at_) {
    failed_ = true;
    lock.unlock();
    if (options_.on_fatal) {
      options_.on_fatal(Error{ErrorCode::kIo, "scripted failure of the disk"});
    }
    return durable();
  }
  apply_until(target);
  lock.unlock();
  if (options_.on_durable) {
    options_.on_durable(target);
  }
  return target;
}

void MemoryStore::fail_at(Position position) {
  const std::lock_guard lock(mutex_);
  fails_at_ = position;
}

void MemoryStore::crash(Position survives) {
  const std::lock_guard lock(mutex_);
  check(survives <= durable_ + waiting_.size(), "only what was appended can survive a crash");
  apply_until(survives);
  waiting_.clear();
  fails_at_.reset();
  failed_ = false;
}

void MemoryStore::apply_until(Position position) {
  for (; durable_ < position; ++durable_) {
    for (Write& write : waiting_.front()) {
      if (write.value) {
        entries_[{write.table, std::move(write.key)}] = *std::move(write.value);
      } else {
        entries_.erase({write.table, std::move(write.key)});
      }
    }
    waiting_.pop_front();
  }
}

}  // namespace skerry::store
