// shaper.h: when the bytes of one direction of a link leave and arrive: bandwidth shared over
// connections, then a delay.
//
// Pure: time is given, in seconds from any origin. A sender reserves the link for a chunk, sleeps
// until it has left, and only then reserves the next, so that chunks of several connections take
// turns and none queues behind another's megabytes.

#pragma once

#include <cstddef>

#include "common/random.h"

namespace skerry::relay {

struct Link {
  double delay_s = 0;
  double jitter_s =
      0;  // added to the delay, uniform in [0, jitter]; order within a connection is kept
  double rate_bytes_per_s = 0;  // 0 = unlimited

  bool operator==(const Link&) const = default;
};

class Shaper {
 public:
  Shaper(Link link, Random random) : link_(link), random_(random) {}

  void set(Link link) { link_ = link; }
  const Link& link() const { return link_; }

  // Reserves the link for that many bytes; returns when the last of them has left.
  double reserve(double now_s, std::size_t bytes);
  // When something that left then arrives.
  double arrival(double left_s);
  // The chunk to read at once: about a millisecond of the link, so that turns are short.
  std::size_t chunk_bytes(std::size_t largest) const;

 private:
  Link link_;
  Random random_;
  double free_at_s_ = 0;  // when the link has nothing left to send
};

}  // namespace skerry::relay
