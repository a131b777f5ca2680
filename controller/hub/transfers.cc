#include "controller/hub/transfers.h"

namespace skerry::hub {

Status Transfers::add(Transfer& transfer) {
  if (!transfer.peer_) {
    return fail(transfer.peer_.error());
  }
  const std::lock_guard lock(mutex_);
  const auto mine = by_peer_.find(transfer.peer_->connection);
  if (running_.size() >= limits_.total ||
      (mine != by_peer_.end() && mine->second >= limits_.per_connection)) {
    return fail(ErrorCode::kNoCapacity, "too many transfers are under way");
  }
  running_.insert(&transfer);
  ++by_peer_[transfer.peer_->connection];
  return {};
}

void Transfers::remove(Transfer& transfer) {
  const std::lock_guard lock(mutex_);
  if (running_.erase(&transfer) == 0) {
    return;
  }
  const auto mine = by_peer_.find(transfer.peer_->connection);
  if (--mine->second == 0) {
    by_peer_.erase(mine);
  }
}

void Transfers::watch(Instant now) {
  const std::lock_guard lock(mutex_);
  for (Transfer* transfer : running_) {
    const Instant moved_at =
        instant_from_us(transfer->moved_at_us_.load(std::memory_order_relaxed));
    if (now - moved_at > limits_.idle_timeout) {
      transfer->context_.TryCancel();
    }
  }
}

}  // namespace skerry::hub
