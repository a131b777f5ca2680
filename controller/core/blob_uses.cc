#include "controller/core/blob_uses.h"

#include "common/check.h"

namespace skerry::core {

void BlobUses::drop(const std::string& digest) {
  const auto it = uses_.find(digest);
  check(it != uses_.end() && it->second.live > 0, "a blob is dropped as often as it was used");
  --it->second.live;
  ++it->second.ending;
  dropped_.push_back(digest);
}

void BlobUses::applied(BatchNumber newest) {
  for (std::string& digest : dropped_) {
    ending_.emplace_back(newest, std::move(digest));
  }
  dropped_.clear();
}

std::vector<std::string> BlobUses::durable(BatchNumber batch) {
  std::vector<std::string> unneeded;
  for (; !ending_.empty() && ending_.front().first <= batch; ending_.pop_front()) {
    const auto it = uses_.find(ending_.front().second);
    --it->second.ending;
    if (it->second.live == 0 && it->second.ending == 0) {
      unneeded.push_back(it->first);
      uses_.erase(it);
    }
  }
  return unneeded;
}

}  // namespace skerry::core
