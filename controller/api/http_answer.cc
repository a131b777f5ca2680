// http_answer.cc: the writing half of http_connection.h: answers, and noticing that nobody waits
// for one any more.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "controller/api/http_connection.h"

namespace skerry::api {

namespace {

constexpr Duration kLinger = seconds(2);

// "Mon, 23 Nov 2026 10:30:00 GMT", formatted once a second.
std::string_view http_date(Instant now) {
  thread_local std::int64_t formatted_s = -1;
  thread_local std::string text;
  const std::int64_t now_s = to_us(now) / 1'000'000;
  if (now_s != formatted_s) {
    formatted_s = now_s;
    text =
        fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(static_cast<std::time_t>(now_s)));
  }
  return text;
}

}  // namespace

std::string Connection::head_of(const Response& response, std::optional<std::uint64_t> size_bytes,
                                bool keep_alive) const {
  std::string head;
  head.reserve(256 + response.body.size());
  fmt::format_to(std::back_inserter(head), "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                 reason_phrase(response.status), http_date(shared_.clock.now()));
  if (response.status != 204 && response.status != 304) {
    fmt::format_to(std::back_inserter(head), "Content-Type: {}\r\n", response.content_type);
    if (size_bytes) {
      fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", *size_bytes);
    } else if (chunked_response_) {
      head += "Transfer-Encoding: chunked\r\n";
    }
  }
  for (const auto& [name, value] : response.headers) {
    fmt::format_to(std::back_inserter(head), "{}: {}\r\n", name, value);
  }
  head += !keep_alive ? "Connection: close\r\n\r\n"
          : http_1_0_ ? "Connection: keep-alive\r\n\r\n"
                      : "\r\n";
  return head;
}

Task<bool> Connection::send_response(Response response, bool keep_alive) {
  std::string bytes = head_of(response, response.body.size(), keep_alive);
  if (request_.verb != Verb::head) {
    bytes += response.body;
  }
  co_return co_await send(std::move(bytes));
}

Task<bool> Connection::begin(Response response, std::optional<std::uint64_t> size_bytes) {
  chunked_response_ = !size_bytes && !http_1_0_;
  keep_alive_ = keep_alive_ && (size_bytes || chunked_response_);
  co_return co_await send(head_of(response, size_bytes, keep_alive_ && !stopping()));
}

Task<bool> Connection::write(std::string piece) {
  if (piece.empty()) {
    co_return !failed_;
  }
  if (chunked_response_) {
    piece = fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
  }
  co_return co_await send(std::move(piece));
}

Task<bool> Connection::send(std::string bytes) {
  if (failed_) {
    co_return false;
  }
  set_deadline(shared_.limits.idle + time_for(bytes.size()));
  const auto [error, count] = co_await stream_.write_all(asio::buffer(bytes));
  clear_deadline();
  failed_ = failed_ || error;
  co_return !failed_;
}

Task<HandshakeEnd> Connection::secure(tls::Context context) {
  const auto self = shared_from_this();
  waiting_for_request_ = true;  // a stop need not wait for it
  set_deadline(shared_.limits.handshake);
  const Status secured = co_await stream_.secure(std::move(context));
  clear_deadline();
  waiting_for_request_ = false;
  if (secured) {
    co_return HandshakeEnd{};
  }
  if (secured.error().code != ErrorCode::kUnsupported) {
    co_return HandshakeEnd{timed_out_ ? Handshake::kTimedOut : Handshake::kFailed,
                           secured.error().message};
  }
  Response response = shared_.service.error_response(
      400, "tls_required", "this port speaks TLS: write https:// instead of http://");
  if (co_await send_response(std::move(response), false)) {
    co_await linger();
  }
  co_return HandshakeEnd{Handshake::kPlainText, secured.error().message};
}

// Ends a connection on which the client may still be writing: closing at once would reset it, and
// the client might lose the answer. Reads on, for a short time, until it closes too.
Task<void> Connection::linger() {
  timed_out_ = false;
  set_deadline(kLinger);
  co_await stream_.finish();
  do {
    buffer_.consume(buffer_.size());
  } while (!timed_out_ && co_await fill());
}

// ---- noticing that the client goes away while its answer is worked on

void Connection::watch(std::move_only_function<void()> gone) {
  gone_ = std::move(gone);
  arm_watch();
}

// Reads what the client may be sending next into the buffer; with a full buffer, it is not watched
// any more.
void Connection::arm_watch() {
  const std::size_t room = buffer_.max_size() - buffer_.size();
  if (room > 0) {
    watch_reading_ = true;
    stream_.read_some(
        buffer_.prepare(room),
        [self = shared_from_this()](boost::system::error_code error, std::size_t count) {
          self->watch_ended(error, count);
        });
  }
}

void Connection::watch_ended(boost::system::error_code error, std::size_t count) {
  watch_reading_ = false;
  buffer_.commit(count);
  if (error && error != asio::error::operation_aborted) {
    failed_ = true;
  }
  if (unwatched_) {
    std::exchange(unwatched_, nullptr)();
  } else if (error && gone_) {
    failed_ = true;
    std::exchange(gone_, nullptr)();
  } else if (gone_) {
    arm_watch();
  }
}

Task<void> Connection::unwatch() {
  gone_ = nullptr;
  if (watch_reading_) {
    co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(
        [this](auto handler) {
          unwatched_ = [handler = std::move(handler)]() mutable { std::move(handler)(); };
          stream_.cancel();
        },
        kAwait);
  }
}

}  // namespace skerry::api
