#include "controller/oidc/key_cache.h"

#include <algorithm>

namespace skerry::oidc {

std::shared_ptr<const KeySet> KeyCache::keys(Instant now) const {
  return good_at_ && since(*good_at_, now) < times_.stale ? keys_ : nullptr;
}

Instant KeyCache::due() const {
  if (!tried_at_) {
    return Instant::min();
  }
  const bool soon = wanted_ || !problem_.empty();
  return *tried_at_ + (soon ? std::min(times_.retry, times_.refresh) : times_.refresh);
}

void KeyCache::fetched(Result<KeySet> set, Instant now) {
  tried_at_ = now;
  wanted_ = false;
  if (!set) {
    problem_ = set.error().message;
    return;
  }
  problem_.clear();
  good_at_ = now;
  keys_ = std::make_shared<const KeySet>(*std::move(set));
}

}  // namespace skerry::oidc
