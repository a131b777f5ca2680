// counters.h: what the door counts, for /metrics. Thread-safe; each figure is right, but they are not of
// one instant.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "controller/hub/door/http2_guard.h"

namespace skerry::door {

enum class Count : std::uint8_t {
  // how it is now
  kConnections,  // of nodes
  kHandshakes,   // under way
  // growing
  kAccepted,      // by the kernel
  kFull,          // turned away before a handshake: too many of all, or of an address
  kTooOften,      // ... an address too often
  kBanned,        // ... or after it: banned
  kTimedOut,      // handshakes that took too long or too many bytes
  kFailed,        // ... that were none, or showed no certificate that holds
  kNotAdmitted,   // nodes that are no members, or revoked
  kTooMany,       // connections beyond all or a node's own
  kPassed,        // connections that were handed on
  kExpired,       // closed: the certificate ran out
  kDisconnected,  // closed: revoked
  kIdle,          // closed: nothing was said, or not even the preface
  kStalled,       // closed: the agent does not take what is sent to it
  kBans,
  kBytesIn,
  kBytesOut,
};
constexpr std::size_t kCounts = static_cast<std::size_t>(Count::kBytesOut) + 1;

class Counters {
 public:
  void add(Count what, std::uint64_t count = 1) {
    counts_[static_cast<std::size_t>(what)].fetch_add(count, std::memory_order_relaxed);
  }
  void take(Count what) {
    counts_[static_cast<std::size_t>(what)].fetch_sub(1, std::memory_order_relaxed);
  }
  void add(Breach breach) {
    breaches_[static_cast<std::size_t>(breach)].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t operator[](Count what) const {
    return counts_[static_cast<std::size_t>(what)].load(std::memory_order_relaxed);
  }
  std::uint64_t operator[](Breach breach) const {
    return breaches_[static_cast<std::size_t>(breach)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kCounts> counts_{};
  std::array<std::atomic<std::uint64_t>, kBreaches> breaches_{};
};

}  // namespace skerry::door
