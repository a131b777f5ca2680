#include "controller/api/http_server.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <vector>

namespace skerry::api {

namespace {

// Connections above a limit that are told so.
constexpr std::size_t kRefusalReserve = 64;
constexpr std::size_t kAddressReserve = 16;
// What the kernel keeps for a client beyond what is under way to it; else it is megabytes for each that
// asks and does not read.
constexpr int kUnsentBytes = 64 * 1024;

HandshakeGate::Limits gate_limits(const HttpLimits& limits, Duration tick) {
  const auto in_a_tick = [&](std::size_t in_a_second) {
    return static_cast<std::size_t>(static_cast<double>(in_a_second) * to_seconds(tick)) + 1;
  };
  const bool by_address = limits.max_per_address > 0;  // else all may come from one: a proxy's
  return {.open = limits.max_handshakes,
          .open_per_peer = by_address ? limits.max_handshakes_per_address : limits.max_handshakes,
          .begun = in_a_tick(limits.handshakes_per_s),
          .begun_per_peer =
              in_a_tick(by_address ? limits.handshakes_per_s_per_address : limits.handshakes_per_s),
          .patience_ticks = limits.handshake / tick + 1};
}

struct Leaving {
  HandshakeGate& gate;
  PeerCounts::Peer peer;
  ~Leaving() { gate.leave(peer); }
};

// Fine enough for the shortest limit, coarse enough to cost nothing.
Duration tick_for(const HttpLimits& limits) {
  return std::clamp<Duration>(std::min({limits.header, limits.idle, limits.handshake}) / 8,
                              milliseconds(5), seconds(1));
}

}  // namespace

HttpServer::HttpServer(asio::io_context& io, HttpService& service, Clock& clock, Log& log,
                       HttpLimits limits, tls::ContextSource tls)
    : io_(io),
      log_(log),
      shared_{.service = service, .clock = clock, .limits = limits, .tick = tick_for(limits)},
      tls_(std::move(tls)),
      gate_(gate_limits(limits, shared_.tick)),
      strand_(asio::make_strand(io)),
      acceptor_(strand_),
      ticks_(strand_),
      pause_(strand_) {}

Result<std::uint16_t> HttpServer::start(const std::string& address, std::uint16_t port) {
  boost::system::error_code error;
  const auto parsed = asio::ip::make_address(address, error);
  if (error) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not an IP address to listen on", address));
  }
  const asio::ip::tcp::endpoint endpoint(parsed, port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) {
    acceptor_.set_option(Acceptor::reuse_address(true), error);
    ::setsockopt(acceptor_.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytes,
                 sizeof kUnsentBytes);  // connections inherit it
    acceptor_.bind(endpoint, error);
  }
  if (!error) {
    acceptor_.listen(Acceptor::max_listen_connections, error);
  }
  if (error) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot listen on {}:{}: {}", address, port, error.message()));
  }
  const std::uint16_t bound = acceptor_.local_endpoint().port();
  spawn(strand_, accept_loop());
  spawn(strand_, tick_loop());
  return bound;
}

std::size_t HttpServer::connections() const {
  const std::scoped_lock lock(mutex_);
  return connections_.size();
}

void HttpServer::for_each_connection(
    const std::function<void(const std::shared_ptr<Connection>&)>& visit) {
  std::vector<std::shared_ptr<Connection>> all;
  {
    const std::scoped_lock lock(mutex_);
    all.assign(connections_.begin(), connections_.end());
  }
  for (const auto& connection : all) {
    visit(connection);
  }
}

// ---- coroutines

void HttpServer::spawn(const Executor& executor, Task<void> task) {
  {
    const std::scoped_lock lock(mutex_);
    ++tasks_;
  }
  asio::co_spawn(executor, std::move(task),
                 [this](const std::exception_ptr& exception) { ended(exception); });
}

void HttpServer::ended(const std::exception_ptr& exception) {
  if (exception) {
    try {
      std::rethrow_exception(exception);
    } catch (const std::exception& error) {
      log_.error("a connection ended by an exception: {}", error.what());
    }
  }
  std::size_t left = 0;
  {
    const std::scoped_lock lock(mutex_);
    left = --tasks_;
  }
  if (left == 1 && shared_.stopping) {
    asio::post(strand_, [this] { ticks_.cancel(); });  // the tick loop is the last, and may end
  } else if (left == 0) {
    std::exchange(stopped_, nullptr)();
  }
}

Task<void> HttpServer::accept_loop() {
  while (!shared_.stopping) {
    auto [error, socket] =
        co_await acceptor_.async_accept(Executor(asio::make_strand(io_)), kAwaitTuple);
    if (error == asio::error::operation_aborted) {
      co_return;
    }
    if (error) {
      log_.warn("cannot accept a connection: {}", error.message());
      pause_.expires_after(milliseconds(100));
      co_await pause_.async_wait(kAwaitTuple);
      continue;
    }
    welcome(std::move(socket));
  }
}

std::uint64_t HttpServer::refused(Refusal why) const {
  const std::scoped_lock lock(mutex_);
  return refused_[static_cast<std::size_t>(why)];
}

std::uint64_t HttpServer::handshakes(Handshake how) const {
  const std::scoped_lock lock(mutex_);
  return handshakes_[static_cast<std::size_t>(how)];
}

// By those that there are already.
Refusal HttpServer::weigh(std::size_t others, std::size_t of_address) const {
  const HttpLimits& limits = shared_.limits;
  return others >= limits.max_connections ? Refusal::kFull
         : limits.max_per_address > 0 && of_address >= limits.max_per_address
             ? Refusal::kAddressFull
             : Refusal::kNone;
}

void HttpServer::welcome(Socket socket) {
  boost::system::error_code error;
  socket.set_option(asio::ip::tcp::no_delay(true), error);
  const auto remote = socket.remote_endpoint(error);
  if (error) {
    return;  // it is gone again
  }
  const PeerCounts::Peer peer = controller::peer_of(remote.address());
  const Executor executor = socket.get_executor();
  auto connection =
      std::make_shared<Connection>(std::move(socket), remote.address().to_string(), shared_);
  Refusal refusal = Refusal::kNone;
  {
    const HttpLimits& limits = shared_.limits;
    const std::scoped_lock lock(mutex_);
    const std::size_t others = connections_.size();
    const std::size_t of_address = peers_.enter(peer);
    refusal = weigh(others, of_address);
    refused_[static_cast<std::size_t>(refusal)] += 1;
    if (others >= limits.max_connections + kRefusalReserve ||
        (refusal == Refusal::kAddressFull &&
         of_address >= limits.max_per_address + kAddressReserve)) {
      peers_.leave(peer);
      return;
    }
    connections_.insert(connection);
  }
  spawn(executor, serve(std::move(connection), peer, refusal));
}

Task<void> HttpServer::serve(std::shared_ptr<Connection> guest, PeerCounts::Peer from,
                             Refusal refusal) {
  std::exception_ptr thrown;
  try {
    if (!tls_ || co_await secure(guest, from)) {
      co_await (refusal != Refusal::kNone ? guest->run_refused(refusal) : guest->run());
    }
  } catch (...) {
    thrown = std::current_exception();
  }
  {
    const std::scoped_lock lock(mutex_);
    connections_.erase(guest);
    peers_.leave(from);
  }
  if (thrown) {
    std::rethrow_exception(thrown);
  }
}

// False: the connection is over.
Task<bool> HttpServer::secure(std::shared_ptr<Connection> guest, PeerCounts::Peer from) {
  const Status turn = co_await await_callback<void>(
      [this, from](auto done) { gate_.enter(from, std::move(done)); });
  if (!turn) {
    co_return false;
  }
  const Leaving leaving{.gate = gate_, .peer = from};
  const HandshakeEnd end = co_await guest->secure(tls_());
  if (end.how != Handshake::kDone) {
    log_.debug("a TLS handshake was not completed: {}", end.reason);
  }
  const std::scoped_lock lock(mutex_);
  ++handshakes_[static_cast<std::size_t>(end.how)];
  co_return end.how == Handshake::kDone;
}

// Checks deadlines, and drives stop(). Ends last.
Task<void> HttpServer::tick_loop() {
  while (true) {
    ticks_.expires_after(shared_.tick);
    co_await ticks_.async_wait(kAwaitTuple);
    const std::int64_t now_tick = ++shared_.now_tick;
    gate_.tick();
    for_each_connection([](const auto& connection) { connection->expire_if_due(); });
    if (!shared_.stopping) {
      continue;
    }
    if (now_tick >= cut_at_tick_ && !std::exchange(cut_, true)) {
      for_each_connection([](const auto& connection) {
        asio::post(connection->executor(), [connection] { connection->cut(); });
      });
    }
    const std::scoped_lock lock(mutex_);
    if (tasks_ == 1) {
      co_return;
    }
  }
}

void HttpServer::stop(Duration grace, std::move_only_function<void()> done) {
  asio::post(strand_, [this, grace, done = std::move(done)]() mutable {
    stopped_ = std::move(done);
    cut_at_tick_ = shared_.now_tick + grace / shared_.tick + 1;
    shared_.stopping = true;
    gate_.close();
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for_each_connection([](const auto& connection) {
      asio::post(connection->executor(), [connection] { connection->begin_stop(); });
    });
    ticks_.cancel();
  });
}

void HttpServer::cut() {
  asio::post(strand_, [this] {
    cut_at_tick_ = 0;
    ticks_.cancel();
  });
}

}  // namespace skerry::api
