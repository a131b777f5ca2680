// handshake_gate.h: decides when a new connection may begin its TLS handshake.
//
// A handshake is work that anybody can ask for before anything is known of them, on the thread that also
// serves everybody else. So it has a budget of its own: so many unfinished at a time, and so many begun
// in a tick, of each address and of all. Who is over it waits in line and costs no more than its socket;
// addresses take turns, so a flood delays its own. An address without an unfinished handshake may always
// begin one, or a few slow addresses could keep everybody out.
//
// Thread-safe. A turn is called at most once, outside of the gate's mutex, on whichever thread made room;
// it is destroyed uncalled if it did not come up in time. Whoever was called leaves again.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "common/error.h"
#include "controller/api/peer_counts.h"

namespace skerry::api {

class HandshakeGate {
 public:
  using Peer = PeerCounts::Peer;
  using Turn = std::move_only_function<void(Status)>;

  struct Limits {
    std::size_t open = 128;  // unfinished
    std::size_t open_per_peer = 16;
    std::size_t begun = 512;  // in a tick
    std::size_t begun_per_peer = 192;
    std::int64_t patience_ticks = 10;  // in line
  };
  explicit HandshakeGate(Limits limits) : limits_(limits) {}

  void enter(const Peer& peer, Turn turn);
  void leave(const Peer& peer);
  void tick();
  void close();  // nobody begins any more

  std::size_t open() const;
  std::size_t waiting() const;
  std::uint64_t overdue() const;  // since the start: those whose turn did not come up in time

 private:
  struct Waiter {
    Turn turn;
    std::int64_t since = 0;
  };
  struct Line {
    std::size_t open = 0;
    std::size_t begun = 0;  // in this tick
    std::deque<Waiter> waiting;
  };

  bool may_begin(const Line& line) const;
  std::vector<Turn> take_ready();
  static void call(std::vector<Turn> turns);

  const Limits limits_;
  mutable std::mutex mutex_;
  std::map<Peer, Line> lines_;
  std::deque<Peer> round_;  // of those that have somebody waiting
  std::size_t open_ = 0;
  std::size_t begun_ = 0;
  std::size_t waiting_ = 0;
  std::uint64_t overdue_ = 0;
  std::int64_t now_tick_ = 0;
  bool closed_ = false;
};

}  // namespace skerry::api
