// counters.h: what the hub counts, for /metrics: read with Hub::count() whenever they are asked
// for.
//
// Thread-safe; each figure is right, but they are not of one instant.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace skerry::hub {

enum class Count : std::uint8_t {
  // how it is now
  kStreams,    // open, greeted or not
  kHeld,       // streams that are not read on until the core has caught up
  kTransfers,  // fetches and uploads under way
  // growing
  kSessionsOpened,  // hellos told to the core
  kSessionsClosed,
  kTurnedAway,     // streams: too many, or stopping
  kHellosRefused,  // before they reached the core
  kMessagesReceived,
  kMessagesRefused,  // of those, one by one
  kFramesReceived,
  kBytesReceived,
  kReadsHeld,  // times that a stream was not read on at once
  kMessagesSent,
  kFramesSent,
  kBytesSent,
  kRefusedByAgents,   // messages of ours
  kOverflows,         // streams closed because their queue was full
  kStalls,            // streams closed because a hello, a write or the close took too long
  kSendsDropped,      // commands for sessions that were gone
  kTransfersRefused,  // over a limit
  kFetchedBytes,
  kUploadedBytes,
};
constexpr std::size_t kCounts = static_cast<std::size_t>(Count::kUploadedBytes) + 1;

// Messages by kind, which is the number of their field in the wire's oneof; 0 is what this build
// does not know.
constexpr std::size_t kMostKinds = 16;

class Counters {
 public:
  void add(Count what, std::uint64_t count = 1) {
    at(what).fetch_add(count, std::memory_order_relaxed);
  }
  void take(Count what) { at(what).fetch_sub(1, std::memory_order_relaxed); }
  std::uint64_t operator[](Count what) const {
    return counts_[static_cast<std::size_t>(what)].load(std::memory_order_relaxed);
  }
  void add_received(int kind) { add(received_, kind); }
  void add_sent(int kind) { add(sent_, kind); }
  std::uint64_t received(int kind) const { return of(received_, kind); }
  std::uint64_t sent(int kind) const { return of(sent_, kind); }

 private:
  using Kinds = std::array<std::atomic<std::uint64_t>, kMostKinds>;

  static std::size_t index(int kind) {
    return kind >= 0 && static_cast<std::size_t>(kind) < kMostKinds ? static_cast<std::size_t>(kind)
                                                                    : 0;
  }
  static void add(Kinds& kinds, int kind) {
    kinds[index(kind)].fetch_add(1, std::memory_order_relaxed);
  }
  static std::uint64_t of(const Kinds& kinds, int kind) {
    return kinds[index(kind)].load(std::memory_order_relaxed);
  }
  std::atomic<std::uint64_t>& at(Count what) { return counts_[static_cast<std::size_t>(what)]; }

  std::array<std::atomic<std::uint64_t>, kCounts> counts_{};
  Kinds received_{};
  Kinds sent_{};
};

}  // namespace skerry::hub
