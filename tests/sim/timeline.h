// timeline.h: simulated time: what is to happen, in order.

#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "common/time.h"

namespace skerry::sim {

class Timeline {
 public:
  explicit Timeline(Instant start) : now_(start) {}

  Instant now() const { return now_; }
  void at(Instant when, std::function<void()> action) {
    events_.push_back({std::max(when, now_), ++order_, std::move(action)});
    std::ranges::push_heap(events_, comes_later);
  }
  void after(Duration delay, std::function<void()> action) { at(now_ + delay, std::move(action)); }
  // Lets the next thing happen, if it is due by then; false if nothing is.
  bool step(Instant until) {
    if (events_.empty() || events_.front().at > until) {
      return false;
    }
    std::ranges::pop_heap(events_, comes_later);
    const Event next = std::move(events_.back());
    events_.pop_back();
    now_ = next.at;
    next.action();
    return true;
  }

 private:
  struct Event {
    Instant at{};
    std::uint64_t order = 0;  // of equal times the first comes first
    std::function<void()> action;
  };
  static bool comes_later(const Event& one, const Event& other) {
    return std::pair(one.at, one.order) > std::pair(other.at, other.order);
  }

  Instant now_;
  std::uint64_t order_ = 0;
  std::vector<Event> events_;  // a heap
};

}  // namespace skerry::sim
