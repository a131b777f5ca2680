// stream.h: one simulated stream between an agent and the controller, in both directions.
//
// Does what a gRPC stream over TCP can do: messages arrive in order, once, each with the delay that
// its sender drew or later, until the stream breaks. Either end may notice the break first. Of what
// was under way to the end that noticed, nothing arrives any more; of what was under way to the
// other, a drawn part still does and the rest is lost, as is everything that the other end sends
// until it notices too. So a message is lost only with all that followed it on its stream, and
// comes twice only if its sender says it again on the next stream.
//
// Held by whatever is still to happen on it (std::shared_ptr); one thread, the world's.

#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "tests/sim/world.h"

namespace skerry::sim {

class Stream : public std::enable_shared_from_this<Stream> {
 public:
  enum class Way : std::uint8_t { kToController, kToAgent };
  // Until when the network, or a paused receiver, holds messages back; in the past if it does not.
  using HeldUntil = std::function<Instant(Way)>;

  Stream(World& world, SessionId session, HeldUntil held_until);

  SessionId session() const { return session_; }
  bool agent_open() const { return agent_open_; }
  bool controller_open() const {
    return controller_open_ && life_ == world_.controller_life() && world_.controller_up();
  }

  // A message must not hold the stream that it is on: it is handed it as it arrives.
  using Deliver = std::function<void(Stream&)>;
  void put(Way way, Duration delay, Deliver deliver);
  // What is under way there arrives no earlier.
  void hold_back(Way way, Instant until) { pipe(way).held_until = until; }
  // That end knows now that the stream broke. False if it knew.
  enum class UnderWay : std::uint8_t { kLostInPart, kArrives };
  bool agent_notices(Random& random, UnderWay to_controller = UnderWay::kLostInPart);
  bool controller_notices(Random& random);

 private:
  struct Pipe {
    std::deque<std::pair<Instant, Deliver>> messages;
    Instant last{};
    Instant held_until{};
  };

  Pipe& pipe(Way way) { return way == Way::kToAgent ? down_ : up_; }
  void pump(Way way);

  World& world_;
  const SessionId session_;
  const std::uint64_t life_;  // of the controller
  const HeldUntil held_until_;
  bool agent_open_ = true;
  bool controller_open_ = true;
  Pipe up_;
  Pipe down_;
};

}  // namespace skerry::sim
