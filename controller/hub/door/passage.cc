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

// To gRPC, as much as it takes at once.
std::size_t Passage::give(std::string_view bytes) {
  const ssize_t sent =
      ::send(inner_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

// To the agent, as much as it takes at once.
std::size_t Passage::show(std::string_view bytes) {
  std::size_t shown = 0;
  while (shown < bytes.size()) {
    const TlsSocket::Attempt attempt = outer_.write(bytes.substr(shown, kRecordBytes));
    if (attempt.outcome != TlsSocket::Outcome::kDone) {
      break;
    }
    shown += attempt.bytes;
  }
  return shown;
}

// While anything is held, nothing else of that way is under way: it is taken along with whatever comes.
void Passage::send_held() {
  if (open_ && !held_in_.bytes().empty()) {
    held_in_.drop(give(held_in_.bytes()));
  }
  if (open_ && leaving_since_ == kNever && !held_out_.bytes().empty()) {
    held_out_.drop(show(held_out_.bytes()));
  }
}

asio::awaitable<void> Passage::carry_in() {
  while (open_) {
    const Burst burst = read_burst();
    if (burst.bytes > 0) {
      parts_.counters.add(Count::kBytesIn, burst.bytes);
      const bool begins_frame = guard_.is_between_frames();
      parts_.passed.clear();
      breach_ = guard_.pass({parts_.read.data(), burst.bytes}, parts_.clock.now(), parts_.passed);
      if (breach_) {
        break;
      }
      if (!begins_frame || !held_in_.hold(parts_.passed)) {
        parts_.passed.insert(0, held_in_.take());
        const std::string_view rest = std::string_view(parts_.passed).substr(give(parts_.passed));
        if (!rest.empty()) {
          co_await deliver(std::string(rest));
        }
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
  bool is_empty = true;  // what gRPC wrote
  while (open_) {
    if (is_empty) {
      co_await inner_.async_wait(Inner::wait_read, kAwait);
    }
    const ssize_t got =
        ::recv(inner_.native_handle(), parts_.read.data(), parts_.read.size(), MSG_DONTWAIT);
    is_empty = got < static_cast<ssize_t>(parts_.read.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      continue;
    }
    if (got <= 0) {
      break;
    }
    std::string rest = carry({parts_.read.data(), static_cast<std::size_t>(got)});
    if (!rest.empty() && !co_await send(std::move(rest))) {
      close();
    }
  }
  if (open_) {
    leaving_since_ = parts_.clock.now();
    outer_.say_end();
  }
}

// What gRPC wrote, to the agent; returns what that did not take at once.
std::string Passage::carry(std::string_view bytes) {
  parts_.counters.add(Count::kBytesOut, bytes.size());
  const bool begins_frame = watch_.is_between_frames();
  if (watch_.sees_activity(bytes)) {
    last_answered_ = parts_.clock.now();
  }
  if (begins_frame && held_out_.hold(bytes)) {
    return {};
  }
  std::string together;
  if (!held_out_.bytes().empty()) {
    together = held_out_.take().append(bytes);
    bytes = together;
  }
  return std::string(bytes.substr(show(bytes)));
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
