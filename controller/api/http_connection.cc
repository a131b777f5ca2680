#include "controller/api/http_connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "common/check.h"

namespace skerry::api {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::int64_t kNoDeadline = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kSmallAnswerBytes = 64 * 1024;  // larger ones count as bodies do

}  // namespace

Error Connection::bodies_full() const {
  return {ErrorCode::kOverloaded,
          fmt::format("the bodies of requests and answers under way fill their {} bytes",
                      shared_.bodies.bytes())};
}

Connection::Connection(Socket socket, std::string address, HttpShared& shared)
    : stream_(std::move(socket)),
      executor_(stream_.executor()),
      address_(std::move(address)),
      shared_(shared),
      buffer_(kBufferBytes),
      body_share_(shared.bodies),
      deadline_tick_(kNoDeadline) {}

// ---- deadlines and stopping

void Connection::set_deadline(Duration from_now) {
  const std::int64_t ticks = from_now / shared_.tick + 1;
  deadline_tick_.store(shared_.now_tick.load(std::memory_order_relaxed) + ticks,
                       std::memory_order_relaxed);
}
void Connection::clear_deadline() { deadline_tick_.store(kNoDeadline, std::memory_order_relaxed); }

void Connection::expire_if_due() {
  const auto is_due = [this] {
    return deadline_tick_.load(std::memory_order_relaxed) <
           shared_.now_tick.load(std::memory_order_relaxed);
  };
  if (is_due()) {
    asio::post(executor_, [self = shared_from_this(), is_due] {
      if (is_due()) {
        self->timed_out_ = true;
        self->stream_.cancel();
      }
    });
  }
}

void Connection::begin_stop() {
  if (waiting_for_request_) {
    cut();
  } else if (on_stop_) {
    std::exchange(on_stop_, nullptr)();
  }
}

void Connection::cut() {
  failed_ = true;
  stream_.close();
}

void Connection::drop_body() {
  request_.body = {};
  body_share_.release();
}

// ---- the answer

Task<void> Connection::run() {
  const auto self = shared_from_this();
  while (!stopping() && co_await answer_one()) {
  }
  if (!failed_) {
    co_await linger();
  }
}

Task<void> Connection::run_refused(Refusal refusal) {
  const auto self = shared_from_this();
  Response response =
      refusal == Refusal::kFull
          ? shared_.service.error_response(503, "overloaded",
                                           fmt::format("the server has its {} connections in use",
                                                       shared_.limits.max_connections))
          : shared_.service.error_response(
                429, "too_many_connections",
                fmt::format("this address has {} connections, which is its limit",
                            shared_.limits.max_per_address));
  if (co_await send_response(std::move(response), false)) {
    co_await linger();
  }
}

// One request and its answer. False: the connection is over.
Task<bool> Connection::answer_one() {
  const Header header = co_await read_header();
  if (header == Header::kClosed) {
    failed_ = true;  // nothing to linger for
    co_return false;
  }
  if (header == Header::kRefused) {
    timed_out_ = false;
    request_ = {};  // the one before may have been a HEAD, whose answer has no body
    co_await send_response(std::move(refusal_), false);
    co_return false;
  }
  const Instant start = shared_.clock.now();
  Dispatch dispatch = take_request();
  Response response = co_await run_handler(&dispatch);
  drop_body();
  // A small request may ask for a large answer, and then not read it.
  if (response.body.size() > kSmallAnswerBytes && !body_share_.grow(response.body.size())) {
    response = shared_.service.error_response(503, "overloaded", bodies_full().message);
  }
  const int status = response.status;
  const bool keep = keep_alive_ && !response.close && !stopping() && !failed_ && parser_->is_done();
  bool sent = !failed_;
  if (sent && !response.streamed) {
    sent = co_await send_response(std::move(response), keep);
  } else if (sent && chunked_response_) {
    sent = co_await send("0\r\n\r\n");
  }
  on_stop_ = nullptr;
  drop_body();
  shared_.service.observe(dispatch, to_string(request_.verb), status, shared_.clock.now() - start);
  co_return sent&& keep;
}

Dispatch Connection::take_request() {
  auto& message = parser_->get();
  const std::string target(message.target().data(), message.target().size());
  request_ =
      Request{.verb = message.method(), .headers = std::move(message.base()), .address = address_};
  message.clear();  // for the trailer
  // A request to go over to another protocol is not taken; nothing behind it is ours to read.
  keep_alive_ = parser_->keep_alive() && !request_.has_header("Upgrade");
  http_1_0_ = message.version() < 11;
  chunked_response_ = false;
  expects_continue_ = !parser_->is_done() && !http_1_0_ && request_.has_header("Expect");
  if (const Status parsed = parse_target(target, request_); !parsed) {
    Dispatch refused;
    refused.refusal = shared_.service.error_response(400, "bad_request", parsed.error().message);
    return refused;
  }
  return shared_.service.dispatch(request_);
}

// `dispatch` lives in answer_one.
Task<Response> Connection::run_handler(Dispatch* dispatch) {
  if (dispatch->refusal) {
    co_await discard_small_body();
    co_return std::move(*dispatch->refusal);
  }
  body_limit_bytes_ = dispatch->body_limit_bytes;
  parser_->body_limit(body_limit_bytes_);
  Result<std::string> body;
  if (Status promised = check_promised_body(dispatch->stream_body); !promised) {
    body = fail(std::move(promised).error());
  } else if (!dispatch->stream_body) {
    body = co_await read_body();
  }
  if (!body) {
    timed_out_ = false;
    keep_alive_ = false;
    const ErrorCode code = body.error().code;
    co_return code == ErrorCode::kTooLarge
        ? shared_.service.error_response(413, "too_large", body.error().message)
    : code == ErrorCode::kOverloaded
        ? shared_.service.error_response(503, "overloaded", body.error().message)
    : code == ErrorCode::kDeadlineExceeded
        ? shared_.service.error_response(408, "request_timeout", body.error().message)
        : shared_.service.error_response(400, "bad_request", body.error().message);
  }
  request_.body = std::move(*body);
  co_return co_await shared_.service.handle(dispatch->route, this);
}

}  // namespace skerry::api
