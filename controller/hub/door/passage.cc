#include "controller/hub/door/passage.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

namespace skerry::door {
namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr Duration kTooFastPause = milliseconds(10);
constexpr Duration kLeaving = seconds(2);
constexpr std::size_t kRecordBytes = 16 << 10;  // the most that one TLS record carries

}  // namespace

Passage::Passage(TlsSocket outer, Inner inner, std::string secret,
                 std::shared_ptr<const Caller> caller, PassageParts& parts)
    : outer_(std::move(outer)),
      inner_(std::move(inner)),
      secret_(std::move(secret)),
      caller_(std::move(caller)),
      parts_(parts),
      pause_(inner_.get_executor()),
      guard_(parts.options.frames, secret_),
      opened_at_(parts.clock.now()),
      last_answered_(opened_at_) {}

void Passage::close() {
  open_ = false;
  outer_.close();
  boost::system::error_code ignored;
  inner_.close(ignored);
  pause_.cancel();
}

Passage::Due Passage::due(Instant now) const {
  const DoorOptions& options = parts_.options;
  if (leaving_since_ != kNever) {
    return now - leaving_since_ > kLeaving ? Due::kLeft : Due::kNot;
  }
  if (now >= caller_->certificate.not_after()) {
    return Due::kExpired;
  }
  if (blocked_since_ != kNever && now - blocked_since_ > options.write_timeout) {
    return Due::kStalled;
  }
  const bool idle = guard_.has_begun() ? now - std::max(guard_.last_active(), last_answered_) >
                                             options.idle_timeout
                                       : now - opened_at_ > options.preface_timeout;
  return idle ? Due::kIdle : Due::kNot;
}

Passage::Burst Passage::read_burst() {
  Burst burst;
  while (burst.bytes < parts_.read.size()) {
    const auto [outcome, bytes] = outer_.read(std::span(parts_.read).subspan(burst.bytes));
    if (outcome != TlsSocket::Outcome::kDone) {
      burst.next = outcome;
      break;
    }
    burst.bytes += bytes;
  }
  return burst;
}

asio::awaitable<void> Passage::carry_in() {
  while (open_) {
    const Burst burst = read_burst();
    if (burst.bytes > 0) {
      parts_.counters.add(Count::kBytesIn, burst.bytes);
      parts_.passed.clear();
      breach_ = guard_.pass({parts_.read.data(), burst.bytes}, parts_.clock.now(), parts_.passed);
      if (breach_) {
        break;
      }
      std::string_view rest = parts_.passed;
      const ssize_t sent =
          ::send(inner_.native_handle(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      rest.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
      if (!rest.empty()) {
        co_await deliver(std::string(rest));
      }
    }
    if (!open_ || burst.next == TlsSocket::Outcome::kEnded ||
        burst.next == TlsSocket::Outcome::kBroken) {
      break;
    }
    if (guard_.is_too_fast()) {
      pause_.expires_after(kTooFastPause);
      co_await pause_.async_wait(kAwait);
    } else if (burst.next == TlsSocket::Outcome::kDone) {
      co_await asio::post(inner_.get_executor(), asio::use_awaitable);  // the others' turn
    } else if (!co_await outer_.wait_for(burst.next)) {
      break;
    }
  }
  close();
}

// What gRPC did not take at once. If it has gone, there is nobody to deliver to, and what the agent still
// sends is dropped.
asio::awaitable<void> Passage::deliver(std::string rest) {
  std::string_view left = rest;
  while (open_ && leaving_since_ == kNever && !left.empty()) {
    const ssize_t sent =
        ::send(inner_.native_handle(), left.data(), left.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      left.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EINTR) {
      co_await inner_.async_wait(Inner::wait_write, kAwait);
    } else {
      break;
    }
  }
}

asio::awaitable<void> Passage::carry_out() {
  while (open_) {
    const ssize_t got =
        ::recv(inner_.native_handle(), parts_.read.data(), parts_.read.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      co_await inner_.async_wait(Inner::wait_read, kAwait);
      continue;
    }
    if (got <= 0) {
      break;
    }
    std::string_view rest(parts_.read.data(), static_cast<std::size_t>(got));
    parts_.counters.add(Count::kBytesOut, rest.size());
    if (watch_.sees_activity(rest)) {
      last_answered_ = parts_.clock.now();
    }
    TlsSocket::Attempt attempt{.outcome = TlsSocket::Outcome::kDone};
    while (!rest.empty() && attempt.outcome == TlsSocket::Outcome::kDone) {
      attempt = outer_.write(rest.substr(0, kRecordBytes));
      rest.remove_prefix(attempt.bytes);
    }
    if (!rest.empty() && !co_await send(std::string(rest))) {
      close();
    }
  }
  if (open_) {
    leaving_since_ = parts_.clock.now();
    outer_.say_end();
  }
}

// What the agent did not take at once. False: it takes nothing any more.
asio::awaitable<bool> Passage::send(std::string rest) {
  std::string_view left = rest;
  while (open_ && !left.empty()) {
    const auto [outcome, bytes] = outer_.write(left.substr(0, kRecordBytes));
    left.remove_prefix(bytes);
    if (bytes > 0) {
      blocked_since_ = kNever;
    }
    if (outcome == TlsSocket::Outcome::kWantsRead || outcome == TlsSocket::Outcome::kWantsWrite) {
      blocked_since_ = std::min(blocked_since_, parts_.clock.now());
      if (!co_await outer_.wait_for(outcome)) {
        co_return false;
      }
    } else if (outcome != TlsSocket::Outcome::kDone) {
      co_return false;
    }
  }
  co_return open_;
}

}  // namespace skerry::door
