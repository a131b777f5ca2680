// health.h: how a daemon is, for whoever looks after it on its machine: probes of containers, people.
//
// The daemon listens at <folder>/health.sock, in the folder of its state, which nobody else may open. Whoever
// connects gets one line, "ready" or "not ready: WHY", from the loop that does the work: a loop that hangs
// does not answer. The programs' `health` command asks.

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>

#include "common/error.h"

namespace skerry::service {

// Owned by the daemon. open() before the loop runs, the destructor when it runs no more; close() from anywhere.
class HealthSocket {
 public:
  // Whether the daemon does what it is for; asked for each who connects, on a strand of its own.
  using Ready = std::function<Status()>;

  HealthSocket(boost::asio::io_context& io, Ready ready);
  // Listens from now on. kIo.
  Status open(const std::string& folder);
  // Nobody is answered any more, and the name is gone: a copy of the folder should hold files alone.
  void close();
  ~HealthSocket();
  HealthSocket(const HealthSocket&) = delete;
  HealthSocket& operator=(const HealthSocket&) = delete;

 private:
  void accept();
  void forget();

  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  const Ready ready_;
  std::string folder_;  // where it listens; empty: nowhere
};

// What the daemon of this folder says: an error says why it is not alive, or not ready if that is asked for.
// Blocking, for a few seconds at most.
Status ask_health(const std::string& folder, bool ready);

}  // namespace skerry::service
