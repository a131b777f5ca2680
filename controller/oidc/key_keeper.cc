#include "controller/oidc/key_keeper.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace skerry::oidc {

KeyKeeper::KeyKeeper(std::string issuer, std::unique_ptr<KeySource> source, const KeyTimes& times,
                     Clock& clock, Log& log)
    : issuer_(std::move(issuer)),
      source_(std::move(source)),
      clock_(clock),
      log_(log),
      cache_(times) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

std::shared_ptr<const KeySet> KeyKeeper::keys() const {
  const Instant now = clock_.now();
  const std::lock_guard lock(mutex_);
  return cache_.keys(now);
}

KeyKeeper::State KeyKeeper::state() const {
  const Instant now = clock_.now();
  const std::lock_guard lock(mutex_);
  return {.keys = cache_.keys(now),
          .problem = cache_.problem(),
          .age = cache_.good_at() ? since(*cache_.good_at(), now) : Duration(0)};
}

void KeyKeeper::want() {
  {
    const std::lock_guard lock(mutex_);
    cache_.want();
  }
  changed_.notify_one();
}

void KeyKeeper::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const Instant due = cache_.due();
    if (const Instant now = clock_.now(); now < due) {
      changed_.wait_for(lock, stop, due - now, [&] { return cache_.due() < due; });
      continue;
    }
    lock.unlock();
    Result<KeySet> set = source_->fetch(stop);
    if (stop.stop_requested()) {
      return;
    }
    tell(set);
    lock.lock();
    cache_.fetched(std::move(set), clock_.now());
  }
}

void KeyKeeper::tell(const Result<KeySet>& set) {
  std::string now =
      set ? fmt::format("has {} keys{}{}", set->keys.size(), set->notes.empty() ? "" : "; ",
                        fmt::join(set->notes, "; "))
          : fmt::format("gives no keys, known ones go on for a while: {}", set.error().message);
  if (now == told_) {
    return;
  }
  told_ = std::move(now);
  log_.log(set ? spdlog::level::info : spdlog::level::warn, "issuer {} {}", issuer_, told_);
}

}  // namespace skerry::oidc
