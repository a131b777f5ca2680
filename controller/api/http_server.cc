#include "controller/api/http_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <vector>

namespace skerry::api {

namespace {

constexpr std::size_t kRefusalReserve = 64;  // connections above the limit that are told so

// Fine enough for the shortest limit, coarse enough to cost nothing.
Duration tick_for(const HttpLimits& limits) {
  return std::clamp<Duration>(std::min(limits.header, limits.idle) / 8, milliseconds(5),
                              seconds(1));
}

}  // namespace

HttpServer::HttpServer(asio::io_context& io, HttpService& service, Clock& clock, Log& log,
                       HttpLimits limits)
    : io_(io),
      log_(log),
      shared_{.service = service, .clock = clock, .limits = limits, .tick = tick_for(limits)},
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

void HttpServer::welcome(Socket socket) {
  boost::system::error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  const Executor executor = socket.get_executor();
  auto connection = std::make_shared<Connection>(std::move(socket), shared_);
  std::size_t others = 0;
  {
    const std::scoped_lock lock(mutex_);
    others = connections_.size();
    if (others >= shared_.limits.max_connections + kRefusalReserve) {
      return;
    }
    connections_.insert(connection);
  }
  const bool full = others >= shared_.limits.max_connections;
  spawn(executor,
        [](HttpServer* server, std::shared_ptr<Connection> guest, bool refuse) -> Task<void> {
          std::exception_ptr thrown;
          try {
            co_await (refuse ? guest->run_refused() : guest->run());
          } catch (...) {
            thrown = std::current_exception();
          }
          {
            const std::scoped_lock lock(server->mutex_);
            server->connections_.erase(guest);
          }
          if (thrown) {
            std::rethrow_exception(thrown);
          }
        }(this, std::move(connection), full));
}

// Checks deadlines, and drives stop(). Ends last.
Task<void> HttpServer::tick_loop() {
  while (true) {
    ticks_.expires_after(shared_.tick);
    co_await ticks_.async_wait(kAwaitTuple);
    const std::int64_t now_tick = ++shared_.now_tick;
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
