#include "controller/hub/door/bans.h"

#include <algorithm>

namespace skerry::door {

void Bans::ban(const Whom& whom, Instant now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(until_, [now](const auto& entry) { return entry.second <= now; });
  if (until_.size() >= most_ && !until_.contains(whom)) {
    until_.erase(
        std::ranges::min_element(until_, {}, [](const auto& entry) { return entry.second; }));
  }
  until_.insert_or_assign(whom, now + length_);
}

bool Bans::has(const Whom& whom, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto found = until_.find(whom);
  return found != until_.end() && found->second > now;
}

std::size_t Bans::size() const {
  const std::lock_guard lock(mutex_);
  return until_.size();
}

}  // namespace skerry::door
