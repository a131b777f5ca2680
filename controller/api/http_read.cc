// http_read.cc: the reading half of http_connection.h: heads and bodies, within their limits.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "common/check.h"
#include "controller/api/http_connection.h"

namespace skerry::api {

namespace http = boost::beast::http;

namespace {

constexpr std::uint64_t kDiscardBytes =
    64 * 1024;                                // of a refused request's body, to keep its connection
constexpr std::ptrdiff_t kMostHeaders = 100;  // each costs 64 bytes, and as little as four to send
// Of a chunk's size with its extension, or of a trailer, that has not come to its end.
constexpr std::size_t kMostFramingBytes = 8 * 1024;
constexpr std::uint64_t kStreamedBytes =
    512 * 1024;  // of a body that is read in pieces: those that gather and those being written

}  // namespace

// False: the other side has said all (said_all_) or is gone, or the deadline passed (timed_out_).
Task<bool> Connection::fill() {
  const std::size_t room = buffer_.max_size() - buffer_.size();
  check(room > 0, "the connection's buffer has room when it is filled");
  const auto [error, count] = co_await stream_.read_some(buffer_.prepare(room));
  buffer_.commit(count);
  said_all_ = error == asio::error::eof;  // it may still read
  failed_ = failed_ || (error && !said_all_ && !timed_out_);
  co_return !error;
}

// Feeds the parser what has arrived. True: it got somewhere and may be fed again; false: it needs
// more bytes.
Result<bool> Connection::parse_some() {
  if (buffer_.size() == 0) {
    return false;
  }
  const bool in_head = !parser_->is_header_done();
  boost::system::error_code error;
  const std::size_t used = parser_->put(buffer_.data(), error);
  const bool in_trailer = !in_head && parser_->is_done() && parser_->chunked();
  std::optional<BrokenRule> broken;
  if (in_head || in_trailer) {
    broken = check_lines({static_cast<const char*>(buffer_.data().data()), used});
  }
  if (in_trailer && !broken) {
    broken = check_trailer(parser_->get());
  }
  buffer_.consume(used);
  if (broken) {
    return fail(ErrorCode::kInvalidArgument, broken->message);
  }
  if (error == http::error::need_more) {
    // What is left over of a body is its framing: the bytes themselves have been taken.
    if (!in_head && buffer_.size() > kMostFramingBytes) {
      return fail(ErrorCode::kInvalidArgument, "a chunk's extension or the trailer is too long");
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
  chunk_rule_ = {};
  parser_->on_chunk_header(chunk_rule_);
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
      refusal_ = said_all_ ? shared_.service.error_response(400, "bad_request",
                                                            "the request ends within its header")
                           : shared_.service.error_response(408, "request_timeout",
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
  if (auto broken = check_head(parser_->get())) {
    refusal_ =
        shared_.service.error_response(broken->status, broken->code, std::move(broken->message));
    co_return Header::kRefused;
  }
  body_began_ = shared_.clock.now();
  body_read_bytes_ = 0;
  body_streams_ = false;
  co_return Header::kRead;
}

// A client that trickles is cut: from the start it has the idle time and what slow bytes take.
bool Connection::body_takes_too_long() const {
  return shared_.clock.now() - body_began_ > shared_.limits.idle + time_for(body_read_bytes_);
}

// Until the body's next bytes, or its end, are in the parser.
Task<Status> Connection::await_piece() {
  const std::string& piece = parser_->get().body();
  while (!parser_->is_done() && piece.empty()) {
    const auto progress = parse_some();
    if (!progress) {
      co_return fail(progress.error());
    }
    if (*progress) {
      continue;
    }
    if (body_takes_too_long()) {  // with what is no byte of it
      timed_out_ = true;
    }
    set_deadline(shared_.limits.idle);
    if (timed_out_ || !co_await fill()) {
      co_return fail(
          timed_out_ ? ErrorCode::kDeadlineExceeded : ErrorCode::kInvalidArgument,
          timed_out_ ? "the request's body took too long" : "the request ends within its body");
    }
  }
  co_return Status();
}

Task<Result<std::string>> Connection::read_piece() {
  if (std::exchange(expects_continue_, false) && buffer_.size() == 0 &&
      !co_await send("HTTP/1.1 100 Continue\r\n\r\n")) {
    co_return fail(ErrorCode::kInvalidArgument, "the connection broke");
  }
  if (Status arrived = co_await await_piece(); !arrived) {
    keep_alive_ = false;
    co_return fail(std::move(arrived).error());
  }
  clear_deadline();
  std::string& piece = parser_->get().body();
  body_read_bytes_ += piece.size();
  if (!parser_->is_done() && body_takes_too_long()) {
    co_return fail(ErrorCode::kDeadlineExceeded, "the request's body took too long");
  }
  // By its bytes, not by its header: who only promises a body takes no room from others.
  if (body_streams_ && body_read_bytes_ > buffer_.max_size()) {
    body_streams_ = false;
    if (!body_share_.grow(kStreamedBytes)) {
      co_return fail(bodies_full());
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
      co_return fail(bodies_full());
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
  return room ? Status{} : fail(bodies_full());
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
