// timeline.h: simulated time: what is to happen, in order.

#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "common/time.h"

namespace skerry::sim {

class Timeline {
 public:
  explicit Timeline(Instant start) : now_(start) {}

  Instant now() const { return now_; }
  void at(Instant when, std::function<void()> action) {
    events_.push({std::max(when, now_), ++order_, std::move(action)});
  }
  void after(Duration delay, std::function<void()> action) { at(now_ + delay, std::move(action)); }
  // Lets the next thing happen, if it is due by then; false if nothing is.
  bool step(Instant until) {
    if (events_.empty() || events_.top().at > until) {
      return false;
    }
    const std::function<void()> action = events_.top().action;
    now_ = events_.top().at;
    events_.pop();
    action();
    return true;
  }

 private:
  struct Event {
    Instant at{};
    std::uint64_t order = 0;  // of equal times the first comes first
    std::function<void()> action;
    bool operator>(const Event& other) const {
      return std::pair(at, order) > std::pair(other.at, other.order);
    }
  };
  Instant now_;
  std::uint64_t order_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

}  // namespace skerry::sim
