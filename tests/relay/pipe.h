// pipe.h: one direction of one relayed connection: reads from a socket, holds the bytes as long as
// the link takes, writes.
//
//   source --read--> [ in flight, bounded ] --write--> sink
//
// What is in flight never exceeds kMaxInFlightBytes: then nothing is read, and the sender feels it
// through TCP. An end of the source travels like bytes and becomes a half-close of the sink. Both
// coroutines end on an error, or once closed.
//
// All methods run on the one thread of the relay. The pipe lives as long as its connection, which
// outlives its coroutines.

#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/relay/shaper.h"

namespace skerry::relay {

namespace asio = boost::asio;
using Socket = asio::ip::tcp::socket;

double steady_now_s();

class Pipe {
 public:
  static constexpr std::size_t kMaxInFlightBytes = 1024 * 1024;
  static constexpr std::size_t kMaxChunkBytes = 64 * 1024;

  // on_failed is called when a socket failed, or the bytes allowed by truncate() are used up.
  Pipe(Socket& source, Socket& sink, Shaper& shaper, std::function<void()> on_failed);

  asio::awaitable<void> read_side();
  asio::awaitable<void> write_side();

  void stall(bool stalled);
  void truncate(std::size_t after_bytes);  // deliver that many more, then fail
  void half_close();  // end the sink now, as if the source had ended; what is in flight is lost
  void close();       // both coroutines end soon
  std::uint64_t delivered_bytes() const { return delivered_bytes_; }

 private:
  struct Chunk {
    double arrives_s = 0;
    std::string bytes;  // empty: the end
  };

  asio::awaitable<void> sleep_until(double at_s);
  asio::awaitable<bool> deliver(Chunk chunk);  // false: nothing more is to be delivered
  void push(std::string bytes, double left_s);
  void fail();

  Socket& source_;
  Socket& sink_;
  Shaper& shaper_;
  std::function<void()> on_failed_;
  std::vector<char> buffer_;
  asio::steady_timer wake_reader_;
  asio::steady_timer wake_writer_;
  std::deque<Chunk> in_flight_;
  std::size_t in_flight_bytes_ = 0;
  double last_arrival_s_ = 0;
  std::uint64_t delivered_bytes_ = 0;
  std::optional<std::size_t> allowance_bytes_;
  bool stalled_ = false;
  bool closed_ = false;
};

}  // namespace skerry::relay
