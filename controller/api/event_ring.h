// event_ring.h: the newest happenings, for clients that watch.
//
// The core's strand publishes; that copies one happening into a ring of fixed size and, if somebody
// waits, wakes them. Each watcher reads the ring at its own pace with a cursor and owns no queue:
// one that is slower than the ring turns is told of the gap and goes on with what there is. So
// memory is bounded whatever clients do. Thread-safe.
//
// An event's id is "<instance>-<number>". An id of another instance (an earlier process) or one
// that the ring has forgotten resumes after a gap.

#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.h"
#include "controller/core/effects.h"

namespace skerry::api {

class EventRing {
 public:
  struct Event {
    std::uint64_t number = 0;
    Instant at;
    core::Happening what;
  };
  // Counts its holder among the watchers.
  class Seat {
   public:
    explicit Seat(EventRing& ring) : ring_(ring) { ++ring_.watchers_; }
    ~Seat() { --ring_.watchers_; }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

   private:
    EventRing& ring_;
  };
  struct Batch {
    std::vector<Event> events;
    std::uint64_t missed = 0;  // before the first of them
  };

  // `instance` tells this process from others.
  EventRing(std::size_t capacity, std::string instance);

  // Keeps what watchers can ask for (changes of jobs, nodes, models, policy, brake); the rest is
  // for metrics.
  void publish(const core::Happening& happening, Instant at);

  // A cursor is the number of the next event to read.
  std::uint64_t newest() const;  // a cursor for what comes from now on
  // The cursor after an id that a client gives back; nullopt if events between may be missing.
  std::optional<std::uint64_t> resume(std::string_view last_event_id) const;
  std::uint64_t oldest() const;
  std::size_t watchers() const { return watchers_; }
  Batch read(std::uint64_t& cursor, std::size_t most) const;
  std::string id_of(std::uint64_t number) const;

  // Calls `wake` once, on the publisher's thread, when there is something at the cursor; at once if
  // there is. Returns a number to cancel it with.
  std::uint64_t wait(std::uint64_t cursor, std::move_only_function<void()> wake);
  void cancel_wait(std::uint64_t waiter);

 private:
  const std::string instance_;
  std::atomic<std::size_t> watchers_ = 0;
  mutable std::mutex mutex_;
  std::vector<Event> ring_;  // event n lies at n % size
  std::uint64_t next_ = 1;
  std::uint64_t next_waiter_ = 1;
  std::map<std::uint64_t, std::move_only_function<void()>> waiters_;
};

}  // namespace skerry::api
