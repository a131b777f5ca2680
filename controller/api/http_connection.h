// http_connection.h: one client's connection: reads requests one after another, answers each before
// the next.
//
// Owned by shared_ptr: by its coroutine and by the server's list. All of it runs on its own strand;
// only expire_if_due() may be called from elsewhere. Requests that arrive early (pipelining) wait
// in a buffer of 64 KiB. After a request that is refused for its form (request_rules.h) nothing more is
// read from the connection.
//
// Deadlines are checked by the server's ticks instead of by a timer per operation: each phase sets
// the tick at which it is over, and the server cuts connections that are past theirs. They fire up
// to two ticks late.
//
//   phase       limit                                  when it passes
//   handshake   options.handshake, of TLS                 closed
//   idle        options.idle, to a request's first byte   closed
//   header      options.header, from the first byte       408
//   body        options.idle + bytes at 16 KiB/s, and     408
//               options.idle between two bytes
//   handler     none: handlers bound themselves
//   response    options.idle + bytes at 16 KiB/s          closed

#pragma once

#include <atomic>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/time.h"
#include "controller/api/body_budget.h"
#include "controller/api/http_body.h"
#include "controller/api/http_service.h"
#include "controller/api/request_rules.h"
#include "controller/api/stream.h"
#include "controller/api/task.h"

namespace skerry::api {

struct HttpLimits {
  std::uint32_t header_bytes = 16 * 1024;
  Duration handshake = seconds(10);  // of TLS, from its turn on, and as long again until that
  // Of TLS handshakes: unfinished ones at a time, begun ones in a second; further ones wait. Those of an
  // address are not bounded if its connections are not.
  std::size_t max_handshakes = 128;
  std::size_t max_handshakes_per_address = 16;
  std::size_t handshakes_per_s = 512;
  std::size_t handshakes_per_s_per_address = 192;
  Duration header = seconds(10);
  Duration idle = seconds(60);
  std::size_t max_connections = 4096;  // further ones get a 503
  std::size_t max_per_address = 1024;  // of them; further ones get a 429; 0 = no limit
  // Of all bodies and large answers held at once; further ones get a 503.
  std::uint64_t body_bytes = 256ULL << 20;
};

// What `bytes` may take at the slowest rate that is put up with.
constexpr Duration time_for(std::uint64_t bytes) {
  constexpr double kSlowestBytesPerS = 16 * 1024;
  return duration_from_seconds(static_cast<double>(bytes) / kSlowestBytesPerS);
}

// What all connections of a server share.
struct HttpShared {
  HttpService& service;
  Clock& clock;
  HttpLimits limits;
  Duration tick;
  BodyBudget bodies{limits.body_bytes};
  std::atomic<std::int64_t> now_tick = 0;
  std::atomic<bool> stopping = false;
};

// Why a connection is not served.
enum class Refusal : std::uint8_t { kNone, kFull, kAddressFull };

// What became of a connection's handshake, and why it did not become TLS, for the log.
enum class Handshake : std::uint8_t { kDone, kFailed, kPlainText, kTimedOut };
struct HandshakeEnd {
  Handshake how = Handshake::kDone;
  std::string reason = {};
};

class Connection final : public Exchange, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Socket socket, std::string address, HttpShared& shared);

  // Before anything else, if it is to be TLS. Who speaks HTTP instead is told so. kDone: go on with one
  // of the below; otherwise the connection is over.
  Task<HandshakeEnd> secure(tls::Context context);
  // The whole life of the connection. Await on its strand, holding a shared_ptr until it ends.
  Task<void> run();
  // The same for a client above a limit: one answer that says so.
  Task<void> run_refused(Refusal refusal);

  // From the server's tick, on any thread.
  void expire_if_due();
  // On the strand: ends an idle connection now and a busy one after its answer / cuts it whatever
  // it does.
  void begin_stop();
  void cut();

  Request& request() override { return request_; }
  Executor executor() const override { return executor_; }
  Task<Result<std::string>> read_piece() override;
  void drop_body() override;
  Task<bool> begin(Response response, std::optional<std::uint64_t> size_bytes) override;
  Task<bool> write(std::string piece) override;
  void watch(std::move_only_function<void()> gone) override;
  Task<void> unwatch() override;
  bool stopping() const override { return shared_.stopping.load(std::memory_order_relaxed); }
  void on_stop(std::move_only_function<void()> call) override { on_stop_ = std::move(call); }

 private:
  using Parser = boost::beast::http::request_parser<PieceBody>;
  enum class Header { kRead, kClosed, kRefused };

  Task<Header> read_header();
  Task<bool> answer_one();
  Dispatch take_request();
  Task<Response> run_handler(Dispatch* dispatch);
  Task<Status> await_piece();
  bool body_takes_too_long() const;
  Task<Result<std::string>> read_body();
  Status check_promised_body(bool streamed);
  Task<void> discard_small_body();
  Task<bool> fill();  // more bytes into buffer_
  Task<bool> send_response(Response response, bool keep_alive);
  Task<bool> send(std::string bytes);
  Task<void> linger();
  Result<bool> parse_some();
  void arm_watch();
  void watch_ended(boost::system::error_code error, std::size_t count);
  std::string head_of(const Response& response, std::optional<std::uint64_t> size_bytes,
                      bool keep_alive) const;
  Error bodies_full() const;
  void set_deadline(Duration from_now);
  void clear_deadline();

  Stream stream_;
  const Executor executor_;
  const std::string address_;  // of the client
  HttpShared& shared_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  ChunkRule chunk_rule_;  // which the parser refers to
  Request request_;
  Response refusal_;  // of a request that could not be read
  BodyShare body_share_;
  std::uint64_t body_limit_bytes_ = 0;
  Instant body_began_{};
  std::uint64_t body_read_bytes_ = 0;
  bool body_streams_ = false;  // and has no share of the budget yet
  bool expects_continue_ = false;
  bool chunked_response_ = false;  // begin() was called without a size
  bool keep_alive_ = false;
  bool http_1_0_ = false;
  bool failed_ = false;    // the stream gave an error; nothing more can be written
  bool said_all_ = false;  // the client sends nothing more, and may still read
  bool waiting_for_request_ = false;
  bool timed_out_ = false;

  std::move_only_function<void()> gone_;  // set while watched and not yet called
  std::move_only_function<void()> on_stop_;
  std::move_only_function<void()> unwatched_;  // resumes unwatch()
  bool watch_reading_ = false;

  std::atomic<std::int64_t> deadline_tick_;
};

}  // namespace skerry::api
