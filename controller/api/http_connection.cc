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
constexpr std::uint64_t kDiscardBytes =
    64 * 1024;  // of a refused request's body, to keep its connection

constexpr std::ptrdiff_t kMostHeaders = 100;  // each costs 64 bytes, and as little as four to send

constexpr std::uint64_t kStreamedBytes =
    512 * 1024;  // of a body that is read in pieces: those that gather and those being written
constexpr std::uint64_t kSmallAnswerBytes = 64 * 1024;  // larger ones count as bodies do

Error bodies_full(const BodyBudget& bodies) {
  return {ErrorCode::kOverloaded,
          fmt::format("the bodies of requests and answers under way fill their {} bytes",
                      bodies.bytes())};
}

}  // namespace

Connection::Connection(Socket socket, std::string address, HttpShared& shared)
    : socket_(std::move(socket)),
      executor_(socket_.get_executor()),
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
        boost::system::error_code ignored;
        self->socket_.cancel(ignored);
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
  boost::system::error_code ignored;
  socket_.close(ignored);
}

// ---- reading

// False: the other side is gone, or the deadline passed (timed_out_).
Task<bool> Connection::fill() {
  const std::size_t room = buffer_.max_size() - buffer_.size();
  check(room > 0, "the connection's buffer has room when it is filled");
  const auto [error, count] = co_await socket_.async_read_some(buffer_.prepare(room), kAwaitTuple);
  buffer_.commit(count);
  if (error && !timed_out_) {
    failed_ = true;
  }
  co_return !error;
}

// Feeds the parser what has arrived. True: it got somewhere and may be fed again; false: it needs
// more bytes.
Result<bool> Connection::parse_some() {
  if (buffer_.size() == 0) {
    return false;
  }
  boost::system::error_code error;
  const std::size_t used = parser_->put(buffer_.data(), error);
  buffer_.consume(used);
  if (error == http::error::need_more) {
    if (buffer_.size() == buffer_.max_size()) {
      return fail(ErrorCode::kTooLarge, "a chunk's extension or the trailer is too long");
    }
    return false;
  }
  if (error == http::error::body_limit) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("the body is over the limit of {} bytes", body_limit_bytes_));
  }
  if (error == http::error::header_limit) {
    return fail(ErrorCode::kTooLarge, fmt::format("the header is over the limit of {} bytes",
                                                  shared_.limits.header_bytes));
  }
  if (error) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("not a valid HTTP request: {}", error.message()));
  }
  return true;
}

Task<Connection::Header> Connection::read_header() {
  parser_.emplace();
  parser_->header_limit(shared_.limits.header_bytes);
  parser_->body_limit(boost::none);  // its route's limit is set once it is known
  waiting_for_request_ = buffer_.size() == 0;
  set_deadline(waiting_for_request_ ? shared_.limits.idle : shared_.limits.header);
  while (!parser_->is_header_done()) {
    const auto progress = parse_some();
    if (!progress) {
      const bool long_header = progress.error().code == ErrorCode::kTooLarge;
      refusal_ = shared_.service.error_response(long_header ? 431 : 400,
                                                long_header ? "header_too_large" : "bad_request",
                                                progress.error().message);
      co_return Header::kRefused;
    }
    if (*progress) {
      continue;
    }
    if (waiting_for_request_ && stopping()) {
      co_return Header::kClosed;
    }
    if (!co_await fill()) {
      const bool idle = std::exchange(waiting_for_request_, false);
      if (idle || failed_) {
        co_return Header::kClosed;
      }
      refusal_ = shared_.service.error_response(408, "request_timeout",
                                                "the request's header took too long");
      co_return Header::kRefused;
    }
    if (std::exchange(waiting_for_request_, false)) {
      set_deadline(shared_.limits.header);
    }
  }
  clear_deadline();
  if (const auto& headers = parser_->get();
      std::distance(headers.begin(), headers.end()) > kMostHeaders) {
    refusal_ = shared_.service.error_response(
        431, "header_too_large", fmt::format("the request has more than {} headers", kMostHeaders));
    co_return Header::kRefused;
  }
  body_began_ = shared_.clock.now();
  body_read_bytes_ = 0;
  body_streams_ = false;
  co_return Header::kRead;
}

Task<Result<std::string>> Connection::read_piece() {
  if (std::exchange(expects_continue_, false) && buffer_.size() == 0 &&
      !co_await send("HTTP/1.1 100 Continue\r\n\r\n")) {
    co_return fail(ErrorCode::kInvalidArgument, "the connection broke");
  }
  std::string& piece = parser_->get().body();
  while (!parser_->is_done() && piece.empty()) {
    const auto progress = parse_some();
    if (!progress) {
      co_return fail(progress.error());
    }
    if (*progress) {
      continue;
    }
    set_deadline(shared_.limits.idle);
    if (!co_await fill()) {
      co_return fail(
          timed_out_ ? ErrorCode::kDeadlineExceeded : ErrorCode::kInvalidArgument,
          timed_out_ ? "the request's body took too long" : "the connection broke within the body");
    }
  }
  clear_deadline();
  body_read_bytes_ += piece.size();
  // A client that trickles is cut: from the start it has the idle time and what slow bytes take.
  if (!parser_->is_done() &&
      shared_.clock.now() - body_began_ > shared_.limits.idle + time_for(body_read_bytes_)) {
    co_return fail(ErrorCode::kDeadlineExceeded, "the request's body took too long");
  }
  // By its bytes, not by its header: who only promises a body takes no room from others.
  if (body_streams_ && body_read_bytes_ > kBufferBytes) {
    body_streams_ = false;
    if (!body_share_.grow(kStreamedBytes)) {
      co_return fail(bodies_full(shared_.bodies));
    }
  }
  co_return std::exchange(piece, {});
}

Task<Result<std::string>> Connection::read_body() {
  std::string body;
  if (const auto length = parser_->content_length()) {
    body.reserve(std::min<std::uint64_t>(*length, 64 * 1024));
  }
  while (true) {
    auto piece = co_await read_piece();  // empty at the end
    if (!piece || piece->empty()) {
      co_return piece ? std::move(body) : std::move(piece);
    }
    if (!body_share_.grow(piece->size())) {
      co_return fail(bodies_full(shared_.bodies));
    }
    body += *piece;
  }
}

// Before a byte of it is read.
Status Connection::check_promised_body(bool streamed) {
  const std::uint64_t length = parser_->content_length().value_or(0);
  if (length > body_limit_bytes_) {
    return fail(ErrorCode::kTooLarge, fmt::format("the body of {} bytes is over the limit of {} "
                                                  "bytes",
                                                  length, body_limit_bytes_));
  }
  // A streamed body is never whole here, but its pieces are.
  body_streams_ = streamed;
  const bool room = (streamed ? kStreamedBytes : length) <= shared_.bodies.left();
  return room ? Status{} : fail(bodies_full(shared_.bodies));
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
    response =
        shared_.service.error_response(503, "overloaded", bodies_full(shared_.bodies).message);
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
  keep_alive_ = parser_->keep_alive();
  http_1_0_ = message.version() < 11;
  chunked_response_ = false;
  expects_continue_ = !parser_->is_done() && request_.header("Expect") == "100-continue";
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

// Keeps the connection of a refused request in use, if its body is small. Otherwise answer_one sees
// it unread and closes.
Task<void> Connection::discard_small_body() {
  if (expects_continue_ || parser_->content_length().value_or(0) > kDiscardBytes) {
    co_return;
  }
  body_limit_bytes_ = kDiscardBytes;
  parser_->body_limit(kDiscardBytes);
  const auto discarded = co_await read_body();
  if (!discarded) {
    timed_out_ = false;
    keep_alive_ = false;
  }
}

}  // namespace skerry::api
