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

class Counters {
 public:
  void add(Count what, std::uint64_t count = 1) {
    at(what).fetch_add(count, std::memory_order_relaxed);
  }
  void take(Count what) { at(what).fetch_sub(1, std::memory_order_relaxed); }
  std::uint64_t operator[](Count what) const {
    return counts_[static_cast<std::size_t>(what)].load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t>& at(Count what) { return counts_[static_cast<std::size_t>(what)]; }

  std::array<std::atomic<std::uint64_t>, kCounts> counts_{};
};

}  // namespace skerry::hub
