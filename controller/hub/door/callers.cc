#include "controller/hub/door/callers.h"

#include <utility>

#include "common/digest.h"

namespace skerry::door {

std::string Callers::add(std::shared_ptr<const Caller> caller) {
  std::string secret = to_hex(random_bytes(16));
  const std::lock_guard lock(mutex_);
  by_secret_.emplace(secret, std::move(caller));
  return secret;
}

void Callers::remove(const std::string& secret) {
  const std::lock_guard lock(mutex_);
  by_secret_.erase(secret);
}

std::shared_ptr<const Caller> Callers::find(std::string_view secret) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_secret_.find(std::string(secret));
  return found == by_secret_.end() ? nullptr : found->second;
}

}  // namespace skerry::door
