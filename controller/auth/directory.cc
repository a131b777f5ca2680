#include "controller/auth/directory.h"

#include <fmt/format.h>

#include "common/digest.h"

namespace skerry::auth {

void Directory::put(core::Token token) {
  const std::unique_lock lock(mutex_);
  std::string id = token.id;
  tokens_.insert_or_assign(std::move(id), std::move(token));
}

void Directory::remove(std::string_view id) {
  const std::unique_lock lock(mutex_);
  if (const auto known = tokens_.find(id); known != tokens_.end()) {
    tokens_.erase(known);
  }
}

Result<Caller> Directory::caller(const TokenText& shown, Instant now) {
  Caller caller{.id = "token:" + shown.id};
  {
    const std::shared_lock lock(mutex_);
    const auto known = tokens_.find(shown.id);
    if (known == tokens_.end() || !same_secret(known->second.secret_hash, shown.secret_hash)) {
      return fail(ErrorCode::kUnauthenticated, "the token is not known; it may have been revoked");
    }
    caller.grants = known->second.grants;
    caller.until = known->second.expires_at;
  }
  if (caller.until <= now) {
    return fail(ErrorCode::kUnauthenticated,
                fmt::format("the token {} expired at {}", shown.id, rfc3339(caller.until)));
  }
  const std::lock_guard lock(uses_mutex_);
  uses_[shown.id] = now;
  return caller;
}

std::vector<std::pair<std::string, Instant>> Directory::take_uses() {
  const std::lock_guard lock(uses_mutex_);
  std::vector<std::pair<std::string, Instant>> taken(uses_.begin(), uses_.end());
  uses_.clear();
  return taken;
}

}  // namespace skerry::auth
