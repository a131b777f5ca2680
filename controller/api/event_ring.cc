#include "controller/api/event_ring.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace skerry::api {

namespace {

bool is_for_watchers(const core::Happening& happening) {
  return !std::holds_alternative<core::JobEnded>(happening) &&
         !std::holds_alternative<core::SubmitRefused>(happening) &&
         !std::holds_alternative<core::DecisionMade>(happening) &&
         !std::holds_alternative<core::AttemptFailed>(happening) &&
         !std::holds_alternative<core::HedgeLooked>(happening) &&
         !std::holds_alternative<core::HedgeEnded>(happening) &&
         !std::holds_alternative<core::AccessChanged>(happening);
}

}  // namespace

EventRing::EventRing(std::size_t capacity, std::string instance)
    : instance_(std::move(instance)), ring_(capacity) {}

void EventRing::publish(const core::Happening& happening, Instant at) {
  if (!is_for_watchers(happening)) {
    return;
  }
  std::map<std::uint64_t, std::move_only_function<void()>> woken;
  {
    const std::scoped_lock lock(mutex_);
    Event& slot = ring_[next_ % ring_.size()];
    slot.number = next_++;
    slot.at = at;
    slot.what = happening;
    woken.swap(waiters_);
  }
  for (auto& [number, wake] : woken) {
    wake();
  }
}

std::uint64_t EventRing::newest() const {
  const std::scoped_lock lock(mutex_);
  return next_;
}

std::uint64_t EventRing::oldest() const {
  const std::scoped_lock lock(mutex_);
  return next_ > ring_.size() ? next_ - ring_.size() : 1;
}

std::optional<std::uint64_t> EventRing::resume(std::string_view last_event_id) const {
  const auto dash = last_event_id.rfind('-');
  if (dash == last_event_id.npos || last_event_id.substr(0, dash) != instance_) {
    return std::nullopt;
  }
  const std::string_view digits = last_event_id.substr(dash + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number + 1 < oldest() ||
      number >= newest()) {
    return std::nullopt;
  }
  return number + 1;
}

EventRing::Batch EventRing::read(std::uint64_t& cursor, std::size_t most) const {
  const std::scoped_lock lock(mutex_);
  const std::uint64_t first = next_ > ring_.size() ? next_ - ring_.size() : 1;
  Batch batch;
  if (cursor < first) {
    batch.missed = first - cursor;
    cursor = first;
  }
  while (cursor < next_ && batch.events.size() < most) {
    batch.events.push_back(ring_[cursor++ % ring_.size()]);
  }
  return batch;
}

std::string EventRing::id_of(std::uint64_t number) const {
  return fmt::format("{}-{}", instance_, number);
}

std::uint64_t EventRing::wait(std::uint64_t cursor, std::move_only_function<void()> wake) {
  {
    const std::scoped_lock lock(mutex_);
    if (cursor >= next_) {
      waiters_.emplace(next_waiter_, std::move(wake));
      return next_waiter_++;
    }
  }
  wake();
  return 0;
}

void EventRing::cancel_wait(std::uint64_t waiter) {
  const std::scoped_lock lock(mutex_);
  waiters_.erase(waiter);
}

}  // namespace skerry::api
