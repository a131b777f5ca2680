#include "agent/membership/pause.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace skerry::agent {

bool pause_for(Duration time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any woken;
  std::unique_lock lock(mutex);
  woken.wait_for(lock, stop, std::chrono::microseconds(time.count()), [] { return false; });
  return !stop.stop_requested();
}

}  // namespace skerry::agent
