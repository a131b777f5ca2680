// held_updates.h: small WINDOW_UPDATE frames of one direction, which travel with what comes after them.
//
// gRPC says after each message, in a frame of its own, how many bytes it would take again. On a connection
// of small messages that wakes the other end twice as often as there is something to do; nobody waits for
// those few bytes, since a window holds 64 KiB at least. Pure; not thread-safe.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace skerry::door {

class HeldUpdates {
 public:
  // Of all streams together; far below a window, so that nobody runs out of it for what is held here.
  static constexpr std::uint64_t kMostCredit = 16 << 10;
  static constexpr std::size_t kMostBytes = 256;

  // `frames` begin where a frame begins. True if they are nothing but small updates, and held now.
  bool hold(std::string_view frames);
  // What was held; nothing is then.
  std::string take();
  // So much of it has gone.
  void drop(std::size_t bytes);
  std::string_view bytes() const { return held_; }

 private:
  std::string held_;
  std::uint64_t credit_ = 0;
};

}  // namespace skerry::door
