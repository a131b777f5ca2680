#include "controller/hub/upload_pins.h"

#include <optional>
#include <utility>

namespace skerry::hub {

void UploadPins::hold(blobs::BlobPin pin, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(pin.digest());
  if (found == held_.end()) {
    std::string digest = pin.digest();
    held_.emplace(std::move(digest), Held{.pin = std::move(pin), .since = now});
    return;
  }
  // The older pin is not needed, now that there is this one, and must not count as a wish to keep.
  blobs::BlobPin older = std::exchange(found->second.pin, std::move(pin));
  found->second.since = now;
  found->second.claimed = false;
  found->second.asked = false;
  older.discard();
}

Result<std::uint64_t> UploadPins::claim(const std::string& digest, Instant now) {
  const std::lock_guard lock(mutex_);
  auto found = held_.find(digest);
  if (found == held_.end()) {
    auto pin = blobs_.pin(digest);
    if (!pin) {
      return fail(std::move(pin).error());
    }
    found = held_.emplace(digest, Held{.pin = std::move(*pin), .since = now}).first;
  }
  found->second.since = now;
  found->second.claimed = true;
  found->second.asked = false;
  return found->second.pin.size_bytes();
}

std::vector<std::string> UploadPins::due(Instant now) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> digests;
  for (auto& [digest, held] : held_) {
    const Duration limit = held.claimed ? kAfterClaim : unclaimed_timeout_;
    if (!held.asked && now - held.since > limit) {
      held.asked = true;
      digests.push_back(digest);
    }
  }
  return digests;
}

void UploadPins::settle(const std::string& digest, bool needed) {
  std::optional<blobs::BlobPin> pin;
  {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(digest);
    if (found == held_.end() || !found->second.asked) {
      return;
    }
    pin.emplace(std::move(found->second.pin));
    held_.erase(found);
  }
  if (!needed) {
    pin->discard();
  }
}

}  // namespace skerry::hub
