// relay.h: a TCP relay that is a bad link: delay, jitter and bandwidth, and on command a stall, a
// reset, a cut.
//
// Stands between processes in tests and in the quickstart, since a network without delay hides most
// faults. Commands, one a line, each answered by one line ("ok", "error: ...", or JSON for stats):
//
//   stall | resume     nothing passes, connections stay open | everything passes again
//   reset              every open connection is reset
//   half-close         who connected sees an end of stream on every open connection; its own bytes
//   still pass truncate N         every open connection passes N more bytes in each direction, then
//   is reset refuse | accept    new connections are refused | accepted again delay MS | jitter MS |
//   rate MBIT     change the link, both ways; rate 0 = unlimited stats              {"open": n,
//   "accepted": n, "up_bytes": n, "down_bytes": n}, bytes delivered over all connections
//
// One thread: everything runs on the executor given.

#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/error.h"
#include "tests/relay/connection.h"

namespace skerry::relay {

class Relay {
 public:
  // Listens at once; throws boost::system::system_error if it cannot.
  Relay(asio::any_io_executor executor, asio::ip::tcp::endpoint listen,
        asio::ip::tcp::endpoint target, Link link, std::uint64_t seed);

  asio::ip::tcp::endpoint local_endpoint() const { return local_; }
  std::string command(std::string_view line);

 private:
  void listen();
  void accept_next();
  void adopt(Socket client);
  void change_link(const Link& link);
  template <typename Action>
  void each(Action action);  // on every open connection; the action may end it
  Status run(std::string_view verb, std::string_view argument);
  Status act(std::string_view verb);
  std::string stats() const;

  asio::ip::tcp::endpoint local_;
  asio::ip::tcp::endpoint target_;
  Shapers shapers_;
  asio::ip::tcp::acceptor acceptor_;
  bool stalled_ = false;
  std::uint64_t accepted_ = 0;
  std::uint64_t ended_up_bytes_ = 0;
  std::uint64_t ended_down_bytes_ = 0;
  std::map<std::uint64_t, std::shared_ptr<Connection>> open_;  // by the count of accepted_
};

}  // namespace skerry::relay
