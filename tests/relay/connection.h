// connection.h: one relayed connection: the accepted socket, the one dialled for it, and a pipe for
// each direction.
//
// Kept alive by its own coroutines; ends when both directions have ended, or at reset(). One
// thread.

#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>

#include "tests/relay/pipe.h"

namespace skerry::relay {

// The two directions of the link; shared by all connections, which it outlives.
struct Shapers {
  Shaper up;    // towards the target
  Shaper down;  // towards who connected
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Socket client, Shapers& shapers);

  // Dials the target and starts relaying; on_end is called once, when all is over.
  void start(asio::ip::tcp::endpoint target, bool stalled, std::function<void()> on_end);

  void stall(bool stalled);
  void truncate(std::size_t after_bytes);  // of each direction
  void half_close();  // who connected sees an end; its own bytes still go through
  void reset();       // both sides see a reset

  std::uint64_t up_bytes() const { return up_.delivered_bytes(); }
  std::uint64_t down_bytes() const { return down_.delivered_bytes(); }

 private:
  // Static, with the connection as a parameter, so that the coroutine's frame holds it.
  static asio::awaitable<void> run(std::shared_ptr<Connection> self,
                                   asio::ip::tcp::endpoint target);

  Socket client_;
  Socket server_;
  Pipe up_;
  Pipe down_;
};

}  // namespace skerry::relay
