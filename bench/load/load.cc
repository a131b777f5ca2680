#include "bench/load/load.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "common/tls/context.h"

namespace skerry::bench {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::uint64_t kMaxAnswerBytes = std::uint64_t{64} * 1024 * 1024;

std::string prepare(const LoadOptions& options, const std::string& body) {
  std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: {}:{}\r\n", options.method,
                                 options.target, options.host, options.port);
  for (const std::string& header : options.headers) {
    head += header + "\r\n";
  }
  if (!body.empty() || options.method != "GET") {
    head += fmt::format("Content-Length: {}\r\n", body.size());
  }
  return head;  // without the blank line: a key may follow
}

// What the connections share: the requests, the clock's marks and what was counted. One thread.
class Load {
 public:
  Load(asio::io_context& io, const LoadOptions& options) : options(options), stop_timer_(io) {
    for (const std::string& body : options.bodies) {
      heads.push_back(prepare(options, body));
    }
    if (!options.ca_file.empty()) {
      auto made = tls::client_context({.ca_file = options.ca_file});
      if (!made) {
        throw std::runtime_error(made.error().message);
      }
      tls = *std::move(made);
    }
    counted_from_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(options.warmup);
    stop_timer_.expires_at(counted_from_ +
                           std::chrono::duration_cast<Clock::duration>(options.measured));
    stop_timer_.async_wait([this](boost::system::error_code) { stopping = true; });
  }

  void note_answer(const http::response<http::string_body>& answer, Clock::time_point began,
                   std::size_t received) {
    const auto now = Clock::now();
    if (options.requests != 0 && ++answers_ >= options.requests) {
      stopping = true;
    }
    if (began < counted_from_) {
      return;
    }
    last_answer_ = now;
    report_.received_bytes += received;
    if (answer.result_int() != options.expect_status) {
      note_error(answer.result_int(), answer.body());
      return;
    }
    ++report_.answers;
    ++report_.by_status[answer.result_int()];
    report_.latency.record(
        static_cast<std::uint64_t>(std::chrono::nanoseconds(now - began).count()));
  }

  void note_error(unsigned status, const std::string& reason) {
    ++report_.errors;
    ++report_.by_status[status];
    if (report_.first_error.empty()) {
      report_.first_error = reason;
    }
  }

  void connection_ended() {
    if (++ended_ == options.connections) {
      stop_timer_.cancel();
    }
  }

  LoadReport report() {
    report_.seconds =
        std::max(0.0, std::chrono::duration<double>(last_answer_ - counted_from_).count());
    return std::move(report_);
  }

  // When a connection's n-th request is due; all are spread evenly.
  Clock::time_point due(unsigned connection, std::uint64_t n) const {
    const double turn = static_cast<double>(n) * options.connections + connection;
    return began_ + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(turn / options.rate_per_s));
  }

  const LoadOptions& options;
  tls::Context tls;                // null: plain text
  std::vector<std::string> heads;  // one per body
  std::uint64_t sent = 0;
  bool stopping = false;

 private:
  asio::steady_timer stop_timer_;
  Clock::time_point began_ = Clock::now();
  Clock::time_point counted_from_;
  Clock::time_point last_answer_;
  LoadReport report_;
  std::uint64_t answers_ = 0;
  unsigned ended_ = 0;
};

class Connection {
 public:
  Connection(asio::io_context& io, Load& load, unsigned number)
      : socket_(io), due_timer_(io), load_(load), number_(number) {}

  asio::awaitable<void> run() {
    while (!load_.stopping) {
      if (co_await connect()) {
        while (co_await wait_until_due() && co_await exchange()) {
        }
      }
      tls_.reset();
      socket_ = tcp::socket(socket_.get_executor());
      buffer_.clear();
    }
  }

 private:
  // Sets when the next request begins; false if there is none.
  asio::awaitable<bool> wait_until_due() {
    if (load_.options.rate_per_s > 0) {
      due_ = load_.due(number_, sent_++);
      due_timer_.expires_at(due_);
      co_await due_timer_.async_wait(kAsTuple);
    } else {
      due_ = Clock::now();
    }
    co_return !load_.stopping;
  }

  asio::awaitable<bool> connect() {
    const tcp::endpoint target(asio::ip::make_address(load_.options.host), load_.options.port);
    if (!load_.options.source.empty()) {
      socket_.open(target.protocol());
      socket_.bind({asio::ip::make_address(load_.options.source), 0});
    }
    const auto [refused] = co_await socket_.async_connect(target, kAsTuple);
    if (refused) {
      load_.note_error(0, refused.message());
      asio::steady_timer pause(socket_.get_executor(), std::chrono::milliseconds(50));
      co_await pause.async_wait(kAsTuple);
      co_return false;
    }
    socket_.set_option(tcp::no_delay(true));
    co_return load_.tls == nullptr || co_await secure();
  }

  asio::awaitable<bool> secure() {
    tls_.emplace(socket_, SSL_new(load_.tls.get()));
    const bool named = tls::expect_host(tls_->native_handle(), load_.options.host);
    const auto [refused] = co_await tls_->async_handshake(asio::ssl::stream_base::client, kAsTuple);
    if (!named || refused) {
      load_.note_error(0, named ? refused.message() : "no host name");
    }
    co_return named && !refused;
  }

  asio::awaitable<bool> exchange() {
    co_return co_await (tls_ ? exchange_over(*tls_) : exchange_over(socket_));
  }

  // One request and its answer; false if the connection cannot be used again.
  template <typename Stream>
  asio::awaitable<bool> exchange_over(Stream& stream) {
    const std::uint64_t number = load_.sent++;
    const std::size_t turn = number % load_.heads.size();
    const std::string& prefix = load_.options.key_prefix;
    const std::string end =
        prefix.empty() ? "\r\n" : fmt::format("Idempotency-Key: {}{}\r\n\r\n", prefix, number);
    const std::array<asio::const_buffer, 3> request = {asio::buffer(load_.heads[turn]),
                                                       asio::buffer(end),
                                                       asio::buffer(load_.options.bodies[turn])};
    const auto began = due_;
    const auto [unsent, written] = co_await asio::async_write(stream, request, kAsTuple);
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxAnswerBytes);
    boost::system::error_code failed = unsent;
    std::size_t received = 0;
    if (!failed) {
      std::tie(failed, received) = co_await http::async_read(stream, buffer_, parser, kAsTuple);
    }
    if (failed) {
      load_.note_error(0, failed.message());
      co_return false;
    }
    load_.note_answer(parser.get(), began, received);
    co_return parser.get().keep_alive();
  }

  tcp::socket socket_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  asio::steady_timer due_timer_;
  boost::beast::flat_buffer buffer_;
  Load& load_;
  const unsigned number_;
  std::uint64_t sent_ = 0;
  Clock::time_point due_;
};

}  // namespace

LoadReport run_load(const LoadOptions& options) {
  asio::io_context io(1);
  Load load(io, options);
  std::vector<std::unique_ptr<Connection>> connections;
  for (unsigned i = 0; i < options.connections; ++i) {
    connections.push_back(std::make_unique<Connection>(io, load, i));
    asio::co_spawn(io, connections.back()->run(), [&load](const std::exception_ptr& failure) {
      load.connection_ended();
      if (failure) {
        std::rethrow_exception(failure);  // out of io.run(), to main
      }
    });
  }
  io.run();
  return load.report();
}

}  // namespace skerry::bench
