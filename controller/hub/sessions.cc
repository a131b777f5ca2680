#include "controller/hub/sessions.h"

namespace skerry::hub {

bool Sessions::add(SessionId id, AgentStream& stream) {
  const std::lock_guard lock(mutex_);
  return !closed_ && streams_.size() < most_ && streams_.emplace(id, &stream).second;
}

void Sessions::remove(SessionId id) {
  const std::lock_guard lock(mutex_);
  streams_.erase(id);
}

void Sessions::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

}  // namespace skerry::hub
