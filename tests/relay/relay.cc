#include "tests/relay/relay.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace skerry::relay {

namespace {

// Small, so that a stalled or slow link is felt by the sender and not swallowed by the kernel.
constexpr int kReceiveBufferBytes = 64 * 1024;
constexpr double kBytesPerMbit = 1e6 / 8;

std::optional<double> parse_amount(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 1e12)) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

Relay::Relay(asio::any_io_executor executor, asio::ip::tcp::endpoint listen_at,
             asio::ip::tcp::endpoint target, Link link, std::uint64_t seed)
    : local_(std::move(listen_at)),
      target_(std::move(target)),
      shapers_{.up = Shaper(link, Random(seed).fork("up")),
               .down = Shaper(link, Random(seed).fork("down"))},
      acceptor_(executor) {
  listen();
}

void Relay::listen() {
  acceptor_.open(local_.protocol());
  acceptor_.set_option(asio::socket_base::reuse_address(true));
  acceptor_.set_option(asio::socket_base::receive_buffer_size(kReceiveBufferBytes));
  acceptor_.bind(local_);
  acceptor_.listen();
  local_ = acceptor_.local_endpoint();
  accept_next();
}

void Relay::accept_next() {
  acceptor_.async_accept([this](boost::system::error_code error, Socket client) {
    if (error == asio::error::operation_aborted) {
      return;  // refusing
    }
    if (!error) {
      adopt(std::move(client));
    }
    accept_next();
  });
}

void Relay::adopt(Socket client) {
  const std::uint64_t number = ++accepted_;
  auto connection = std::make_shared<Connection>(std::move(client), shapers_);
  open_.emplace(number, connection);
  connection->start(target_, stalled_, [this, number] {
    const auto ended = open_.find(number);
    ended_up_bytes_ += ended->second->up_bytes();
    ended_down_bytes_ += ended->second->down_bytes();
    open_.erase(ended);
  });
}

std::string Relay::command(std::string_view line) {
  const std::size_t space = line.find(' ');
  const std::string_view verb = line.substr(0, space);
  const std::string_view argument =
      space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  if (verb == "stats") {
    return stats();
  }
  const Status done = run(verb, argument);
  return done ? "ok" : "error: " + done.error().message;
}

Status Relay::run(std::string_view verb, std::string_view argument) {
  if (verb != "truncate" && verb != "delay" && verb != "jitter" && verb != "rate") {
    return act(verb);
  }
  const std::optional<double> amount = parse_amount(argument);
  if (!amount) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' needs a number, not '{}'", verb, argument));
  }
  Link link = shapers_.up.link();
  if (verb == "truncate") {
    each([amount](Connection& connection) {
      connection.truncate(static_cast<std::size_t>(*amount));
    });
  } else if (verb == "delay") {
    link.delay_s = *amount * 1e-3;
  } else if (verb == "jitter") {
    link.jitter_s = *amount * 1e-3;
  } else {
    link.rate_bytes_per_s = *amount * kBytesPerMbit;
  }
  change_link(link);
  return {};
}

Status Relay::act(std::string_view verb) {
  if (verb == "stall" || verb == "resume") {
    stalled_ = verb == "stall";
    each([this](Connection& connection) { connection.stall(stalled_); });
  } else if (verb == "reset") {
    each([](Connection& connection) { connection.reset(); });
  } else if (verb == "half-close") {
    each([](Connection& connection) { connection.half_close(); });
  } else if (verb == "refuse") {
    acceptor_.close();
  } else if (verb == "accept") {
    if (!acceptor_.is_open()) {
      listen();
    }
  } else {
    return fail(ErrorCode::kInvalidArgument, fmt::format("no command '{}'", verb));
  }
  return {};
}

void Relay::change_link(const Link& link) {
  shapers_.up.set(link);
  shapers_.down.set(link);
}

template <typename Action>
void Relay::each(Action action) {
  for (const auto& [number, connection] : open_) {
    action(*connection);
  }
}

std::string Relay::stats() const {
  std::uint64_t up = ended_up_bytes_;
  std::uint64_t down = ended_down_bytes_;
  for (const auto& [number, connection] : open_) {
    up += connection->up_bytes();
    down += connection->down_bytes();
  }
  return fmt::format(R"({{"open": {}, "accepted": {}, "up_bytes": {}, "down_bytes": {}}})",
                     open_.size(), accepted_, up, down);
}

}  // namespace skerry::relay
