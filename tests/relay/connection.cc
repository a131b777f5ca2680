#include "tests/relay/connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "common/check.h"

namespace skerry::relay {

namespace {

// Dropping what is unsent makes the kernel send a reset instead of an orderly end.
void close_with_reset(Socket& socket) {
  boost::system::error_code ignored;  // it may be closed or unconnected
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

}  // namespace

Connection::Connection(Socket client, Shapers& shapers)
    : client_(std::move(client)),
      server_(client_.get_executor()),
      up_(client_, server_, shapers.up, [this] { reset(); }),
      down_(server_, client_, shapers.down, [this] { reset(); }) {}

void Connection::start(asio::ip::tcp::endpoint target, bool stalled, std::function<void()> on_end) {
  stall(stalled);
  asio::co_spawn(client_.get_executor(), run(shared_from_this(), std::move(target)),
                 [on_end = std::move(on_end)](const std::exception_ptr& failure) {
                   check(failure == nullptr, "a relayed connection ends without an exception");
                   on_end();
                 });
}

asio::awaitable<void> Connection::run(std::shared_ptr<Connection> self,
                                      asio::ip::tcp::endpoint target) {
  const auto [error] =
      co_await self->server_.async_connect(target, asio::as_tuple(asio::use_awaitable));
  if (error) {
    self->reset();
    co_return;
  }
  boost::system::error_code ignored;  // a peer that is already gone shows at the first read
  self->client_.set_option(asio::ip::tcp::no_delay(true), ignored);
  self->server_.set_option(asio::ip::tcp::no_delay(true), ignored);
  using namespace asio::experimental::awaitable_operators;
  co_await (self->up_.read_side() && self->up_.write_side() && self->down_.read_side() &&
            self->down_.write_side());
}

void Connection::stall(bool stalled) {
  up_.stall(stalled);
  down_.stall(stalled);
}

void Connection::truncate(std::size_t after_bytes) {
  up_.truncate(after_bytes);
  down_.truncate(after_bytes);
}

void Connection::half_close() { down_.half_close(); }

void Connection::reset() {
  up_.close();
  down_.close();
  close_with_reset(client_);
  close_with_reset(server_);
}

}  // namespace skerry::relay
