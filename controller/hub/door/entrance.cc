#include "controller/hub/door/entrance.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

namespace skerry::door {
namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// What the kernel keeps for an agent beyond what is under way to it.
constexpr int kUnsentBytes = 64 << 10;
constexpr Rate kLogged{5, 50};
// Below the node's connections when there are not processors for all.
constexpr int kNice = 5;

}  // namespace

struct Entrance::Guest {
  Guest(asio::ip::tcp::socket connected, const pki::TlsContext& context)
      : socket(std::make_unique<TlsSocket>(std::move(connected), context)) {}

  std::unique_ptr<TlsSocket> socket;  // null once it is handed over
  controller::PeerAddress from{};
  std::string address;
  bool is_on_this_machine = false;
  bool proved = false;     // who it is
  bool timed_out = false;  // or sent too much, or had to make room
};

Result<std::uint16_t> Entrance::listen(const std::string& address, std::uint16_t port,
                                       pki::TlsContext context) {
  boost::system::error_code error;
  const auto parsed = asio::ip::make_address(address, error);
  if (error) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not an IP address to listen on for agents", address));
  }
  const asio::ip::tcp::endpoint endpoint(parsed, port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) {
    acceptor_.set_option(asio::ip::tcp::acceptor::reuse_address(true), error);
    ::setsockopt(acceptor_.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytes,
                 sizeof kUnsentBytes);  // connections inherit it
    acceptor_.bind(endpoint, error);
  }
  if (!error) {
    acceptor_.listen(asio::ip::tcp::acceptor::max_listen_connections, error);
  }
  if (error) {
    return fail(ErrorCode::kIo, fmt::format("cannot listen for agents on {}:{}: {}", address, port,
                                            error.message()));
  }
  const std::uint16_t bound = acceptor_.local_endpoint().port();
  context_ = std::move(context);
  asio::co_spawn(io_, accept_all(), [this](const std::exception_ptr& thrown) {
    if (thrown) {
      parts_.log.error("no more agents are taken: accepting them failed{}", fields({}));
    }
  });
  thread_ = std::jthread([this] {
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
    io_.run();
  });
  return bound;
}

void Entrance::set_context(pki::TlsContext context) {
  asio::post(io_,
             [this, context = std::move(context)]() mutable { context_ = std::move(context); });
}

void Entrance::stop() {
  if (!thread_.joinable()) {
    return;
  }
  asio::post(io_, [this] {
    stopping_ = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for (const auto& guest : guests_) {
      if (guest->socket) {
        guest->socket->close();
      }
    }
  });
  thread_.join();
}

asio::awaitable<void> Entrance::accept_all() {
  while (!stopping_) {
    auto [error, socket] = co_await acceptor_.async_accept(kAwait);
    if (stopping_ || error == asio::error::operation_aborted) {
      break;
    }
    if (error) {
      parts_.log.warn("cannot accept an agent's connection: {}", error.message());
      pause_.expires_after(milliseconds(100));
      co_await pause_.async_wait(kAwait);
      continue;
    }
    welcome(std::move(socket));
  }
}

void Entrance::welcome(asio::ip::tcp::socket socket) {
  parts_.counters.add(Count::kAccepted);
  boost::system::error_code error;
  socket.set_option(asio::ip::tcp::no_delay(true), error);
  const auto remote = socket.remote_endpoint(error);
  if (error) {
    return;  // it is gone again
  }
  const controller::PeerAddress from = controller::peer_of(remote.address());
  if (!may_knock(from, parts_.clock.now())) {
    return;
  }
  make_room();
  auto guest = std::make_shared<Guest>(std::move(socket), *context_);
  guest->from = from;
  guest->address = fmt::format("{}:{}", remote.address().to_string(), remote.port());
  guest->is_on_this_machine = remote.address().is_loopback();
  parts_.counters.add(Count::kHandshakes);
  const auto place = guests_.insert(guests_.end(), guest);
  asio::co_spawn(io_, shake_hands(guest),
                 [this, place](const std::exception_ptr&) { ended(place); });
}

bool Entrance::may_knock(const controller::PeerAddress& from, Instant now) {
  const DoorOptions& options = parts_.options;
  if (parts_.bans.has(from, now)) {
    parts_.counters.add(Count::kBanned);
    return false;
  }
  const std::uint64_t in = parts_.counters[Count::kConnections];
  if (in >= options.connections) {
    parts_.counters.add(Count::kTooMany);
    return false;
  }
  switch (knocks_.knock(from, now)) {
    case Knocks::Answer::kEnter:
      return true;
    case Knocks::Answer::kTooOften:
      parts_.counters.add(Count::kTooOften);
      return false;
    case Knocks::Answer::kFull:
    case Knocks::Answer::kAddressFull:
      parts_.counters.add(Count::kFull);
      return false;
  }
  return false;
}

void Entrance::make_room() {
  if (guests_.size() < parts_.options.handshakes.total) {
    return;
  }
  const auto oldest = std::ranges::find_if(
      guests_, [](const auto& guest) { return !guest->timed_out && guest->socket != nullptr; });
  if (oldest != guests_.end()) {
    (*oldest)->timed_out = true;
    (*oldest)->socket->close();  // its coroutine ends later, from the loop
  }
}

asio::awaitable<void> Entrance::shake_hands(std::shared_ptr<Guest> guest) {
  const HandshakeLimits& limits = parts_.options.handshakes;
  asio::steady_timer patience(io_, limits.timeout);
  patience.async_wait([guest](const boost::system::error_code& in_time) {
    if (!in_time && guest->socket) {
      guest->timed_out = true;
      guest->socket->close();
    }
  });
  while (true) {
    const TlsSocket::Outcome outcome = guest->socket->handshake();
    if (outcome == TlsSocket::Outcome::kDone) {
      guest->proved = true;
      break;
    }
    guest->timed_out = guest->timed_out || guest->socket->bytes_received() > limits.bytes;
    const bool goes_on =
        outcome == TlsSocket::Outcome::kWantsRead || outcome == TlsSocket::Outcome::kWantsWrite;
    if (guest->timed_out || !goes_on || !co_await guest->socket->wait_for(outcome)) {
      break;
    }
  }
  patience.cancel();
  if (guest->proved && !stopping_) {
    hand_over(*guest);
  }
}

void Entrance::hand_over(Guest& guest) {
  auto chain = guest.socket->peer();
  if (!chain) {
    guest.proved = false;  // cannot be: the handshake demands a certificate
    return;
  }
  parts_.passages.receive(std::move(guest.socket), std::move(chain->front()),
                          std::move(guest.address), guest.is_on_this_machine);
}

void Entrance::ended(Guests::iterator place) {
  const std::shared_ptr<Guest> guest = std::move(*place);
  guests_.erase(place);
  parts_.counters.take(Count::kHandshakes);
  if (!guest->proved && !stopping_) {
    note_failure(*guest);
  }
  const auto end = guest->proved ? Knocks::End::kProved : Knocks::End::kFailed;
  const Instant now = parts_.clock.now();
  if (knocks_.ended(guest->from, end, now) == Knocks::End::kFailedTooOften && !stopping_) {
    parts_.bans.ban(guest->from, now);
    parts_.counters.add(Count::kBans);
    parts_.log.warn("an address is banned for {} s: too many of its handshakes failed{}",
                    parts_.options.ban / seconds(1), fields({{"peer", guest->address}}));
  }
}

void Entrance::note_failure(const Guest& guest) {
  parts_.counters.add(guest.timed_out ? Count::kTimedOut : Count::kFailed);
  if (!logged_.take(kLogged, parts_.clock.now())) {
    ++unlogged_;
    return;
  }
  const auto peer = guest.socket->peer();
  const std::string why = guest.timed_out ? "it took too long or too many bytes"
                          : peer          ? "it ended before it was through"
                                          : peer.error().message;
  const std::uint64_t unlogged = std::exchange(unlogged_, 0);
  parts_.log.warn("a connection to the agents' port was refused: {}{}{}", why,
                  unlogged > 0 ? fmt::format("; {} others were not logged", unlogged) : "",
                  fields({{"peer", guest.address}}));
}

}  // namespace skerry::door
