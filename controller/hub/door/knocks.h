// knocks.h: handshakes under way and those that failed, by address: who may begin another one.
//
// An address is remembered while it has a handshake under way, or used some of its rates a moment ago.
// Not thread-safe: the entrance's thread has it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "controller/hub/door/options.h"
#include "controller/peer_address.h"

namespace skerry::door {

class Knocks {
 public:
  explicit Knocks(const HandshakeLimits& limits) : limits_(limits) {}

  enum class Answer : std::uint8_t {
    kEnter,  // a handshake is under way; ended() must follow
    kFull,   // too many addresses are remembered
    kAddressFull,
    kTooOften,
  };
  Answer knock(const controller::PeerAddress& from, Instant now);

  enum class End : std::uint8_t {
    kProved,  // who it is, whether or not it may come in
    kFailed,
    kFailedTooOften,  // returned only: time for a ban
  };
  End ended(const controller::PeerAddress& from, End how, Instant now);

  std::size_t addresses() const { return known_.size(); }

 private:
  struct Known {
    std::size_t under_way = 0;
    Allowance begun;
    Allowance failed;
  };
  void forget(Instant now);

  const HandshakeLimits limits_;
  std::map<controller::PeerAddress, Known> known_;
};

}  // namespace skerry::door
