#include "controller/hub/upload_pins.h"

#include <utility>

namespace skerry::hub {

void UploadPins::hold(blobs::BlobPin pin, Instant now) {
  const std::lock_guard lock(mutex_);
  std::string digest = pin.digest();
  held_.insert_or_assign(std::move(digest), Held{.pin = std::move(pin), .since = now});
}

Result<std::uint64_t> UploadPins::claim(const std::string& digest, Instant now) {
  const std::lock_guard lock(mutex_);
  auto size = blobs_.size_bytes(digest);
  if (const auto found = held_.find(digest); size && found != held_.end()) {
    found->second.claimed = true;
    found->second.since = now;
  }
  return size;
}

void UploadPins::expire(Instant now) {
  const std::lock_guard lock(mutex_);
  for (auto next = held_.begin(); next != held_.end();) {
    Held& held = next->second;
    const Duration limit = held.claimed ? kAfterClaim : unclaimed_timeout_;
    if (now - held.since <= limit) {
      ++next;
      continue;
    }
    if (!held.claimed) {
      held.pin.discard();
    }
    next = held_.erase(next);
  }
}

}  // namespace skerry::hub
