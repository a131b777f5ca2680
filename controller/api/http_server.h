// http_server.h: accepts connections and keeps the list of them.
//
// Owned by ApiServer. Runs on the given io_context, whichever and however many threads run that;
// every connection and the acceptor has a strand of its own. Connections above the limit are
// answered 503, those above their address's 429, and beyond a small reserve they are just closed.
//
// With a source of TLS contexts every connection is TLS, and its handshake waits for its turn
// (handshake_gate.h) once the connection has been counted against the limits above.
//
// stop() closes the acceptor and idle connections, lets busy ones finish for `grace`, then cuts
// them; `done` is called on the acceptor's strand when the last coroutine has ended. The server
// must outlive that call. cut(), after stop(), ends the grace now.

#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

#include "common/error.h"
#include "common/log.h"
#include "common/tls/context.h"
#include "controller/api/handshake_gate.h"
#include "controller/api/http_connection.h"
#include "controller/api/http_service.h"
#include "controller/api/peer_counts.h"

namespace skerry::api {

class HttpServer {
 public:
  HttpServer(asio::io_context& io, HttpService& service, Clock& clock, Log& log, HttpLimits limits,
             tls::ContextSource tls = {});

  // Binds and starts to accept; returns the port, which the kernel picks if `port` is 0.
  // kInvalidArgument for an address that is none, kUnavailable if it is taken.
  Result<std::uint16_t> start(const std::string& address, std::uint16_t port);
  void stop(Duration grace, std::move_only_function<void()> done);
  void cut();
  std::size_t connections() const;
  std::uint64_t refused(Refusal why) const;  // since the start
  bool speaks_tls() const { return tls_ != nullptr; }
  std::uint64_t handshakes(Handshake how) const;  // that ended like this, since the start
  const HandshakeGate& gate() const { return gate_; }

 private:
  using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;

  Task<void> accept_loop();
  Task<void> tick_loop();
  void welcome(Socket socket);
  Task<void> serve(std::shared_ptr<Connection> guest, PeerCounts::Peer from, Refusal refusal);
  Task<bool> secure(std::shared_ptr<Connection> guest, PeerCounts::Peer from);
  Refusal weigh(std::size_t others, std::size_t of_address) const;
  void spawn(const Executor& executor, Task<void> task);
  void ended(const std::exception_ptr& exception);
  void for_each_connection(const std::function<void(const std::shared_ptr<Connection>&)>& visit);

  asio::io_context& io_;
  Log& log_;
  HttpShared shared_;
  const tls::ContextSource tls_;  // empty: plain text
  HandshakeGate gate_;
  Executor strand_;
  Acceptor acceptor_;
  Timer ticks_;
  Timer pause_;                   // between attempts to accept when descriptors ran out
  std::int64_t cut_at_tick_ = 0;  // while stopping
  bool cut_ = false;
  std::move_only_function<void()> stopped_;

  mutable std::mutex mutex_;  // connections come and go on their own strands
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  PeerCounts peers_;
  std::array<std::uint64_t, 3> refused_{};     // by Refusal
  std::array<std::uint64_t, 4> handshakes_{};  // by Handshake
  std::size_t tasks_ = 0;                      // coroutines that have not ended
};

}  // namespace skerry::api
