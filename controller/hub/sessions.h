// sessions.h: the table of open streams: finds the one that a command is for, and counts session
// ids.
//
// A stream adds itself when it starts and removes itself just before it deletes itself; while a
// function given to with() or for_each() runs, it cannot. Those functions must not call back into
// the table. Thread-safe.

#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "common/ids.h"

namespace skerry::hub {

class AgentStream;

class Sessions {
 public:
  explicit Sessions(std::size_t most) : most_(most) {}

  SessionId next_id() { return {++last_id_}; }
  // False: too many already, or closed.
  bool add(SessionId id, AgentStream& stream);
  void remove(SessionId id);
  // Takes no more streams from now on.
  void close();

  // False if there is no such session.
  template <typename Use>
  bool with(SessionId id, Use use) {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(id);
    if (found == streams_.end()) {
      return false;
    }
    use(*found->second);
    return true;
  }
  template <typename Use>
  void for_each(Use use) {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, stream] : streams_) {
      use(*stream);
    }
  }

 private:
  const std::size_t most_;
  std::mutex mutex_;  // taken before a stream's own
  std::unordered_map<SessionId, AgentStream*> streams_;
  std::atomic<std::uint64_t> last_id_ = 0;
  bool closed_ = false;
};

}  // namespace skerry::hub
