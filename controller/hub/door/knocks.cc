#include "controller/hub/door/knocks.h"

namespace skerry::door {

Knocks::Answer Knocks::knock(const controller::PeerAddress& from, Instant now) {
  if (known_.size() >= limits_.addresses && !known_.contains(from)) {
    forget(now);
    if (known_.size() >= limits_.addresses) {
      return Answer::kFull;
    }
  }
  Known& known = known_[from];
  if (known.under_way >= limits_.per_address) {
    return Answer::kAddressFull;
  }
  if (!known.begun.take(limits_.of_address, now)) {
    return Answer::kTooOften;
  }
  ++known.under_way;
  return Answer::kEnter;
}

Knocks::End Knocks::ended(const controller::PeerAddress& from, End how, Instant now) {
  Known& known = known_.at(from);
  --known.under_way;
  return how == End::kFailed && !known.failed.take(limits_.failures, now) ? End::kFailedTooOften
                                                                          : how;
}

void Knocks::forget(Instant now) {
  std::erase_if(known_, [&](const auto& entry) {
    const Known& known = entry.second;
    return known.under_way == 0 && known.begun.is_unused(limits_.of_address, now) &&
           known.failed.is_unused(limits_.failures, now);
  });
}

}  // namespace skerry::door
