#include "controller/api/stream.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <utility>

namespace skerry::api {

namespace {

constexpr unsigned char kHandshakeRecord = 22;  // RFC 8446, 5.1; no method of HTTP begins with it

template <typename Start>
Task<Stream::Transfer> awaited(Start start) {
  return asio::async_initiate<decltype(kAwaitTuple), void(boost::system::error_code, std::size_t)>(
      [start = std::move(start)](auto handler) { start(Stream::Done(std::move(handler))); },
      kAwaitTuple);
}

}  // namespace

struct Stream::Tls {
  Tls(Socket& socket, SSL* connection) : stream(socket, connection) {}
  asio::ssl::stream<Socket&> stream;
};

Stream::Stream(Socket socket) : socket_(std::move(socket)) {}
Stream::~Stream() = default;

Task<Status> Stream::secure(tls::Context context) {
  unsigned char first = 0;
  ssize_t peeked = -1;
  while (peeked < 0) {
    const auto [failed] = co_await socket_.async_wait(Socket::wait_read, kAwaitTuple);
    if (failed) {
      co_return fail(ErrorCode::kUnauthenticated, failed.message());
    }
    peeked = ::recv(socket_.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (peeked == 0 || (peeked < 0 && errno != EAGAIN && errno != EINTR)) {
      co_return fail(ErrorCode::kUnauthenticated, "the client went away");
    }
  }
  if (first != kHandshakeRecord) {
    co_return fail(ErrorCode::kUnsupported, "the client does not speak TLS");
  }
  SSL* const connection = SSL_new(context.get());
  if (connection == nullptr) {
    co_return fail(ErrorCode::kUnauthenticated, "OpenSSL has no memory for a connection");
  }
  tls_ = std::make_unique<Tls>(socket_, connection);
  const auto [failed] =
      co_await tls_->stream.async_handshake(asio::ssl::stream_base::server, kAwaitTuple);
  if (failed) {
    co_return fail(ErrorCode::kUnauthenticated, failed.message());
  }
  co_return Status();
}

void Stream::read_some(asio::mutable_buffer into, Done done) {
  if (tls_) {
    tls_->stream.async_read_some(into, std::move(done));
  } else {
    socket_.async_read_some(into, std::move(done));
  }
}

void Stream::write_all(asio::const_buffer bytes, Done done) {
  if (tls_) {
    asio::async_write(tls_->stream, bytes, std::move(done));
  } else {
    asio::async_write(socket_, bytes, std::move(done));
  }
}

Task<Stream::Transfer> Stream::read_some(asio::mutable_buffer into) {
  return awaited([this, into](Done done) { read_some(into, std::move(done)); });
}

Task<Stream::Transfer> Stream::write_all(asio::const_buffer bytes) {
  return awaited([this, bytes](Done done) { write_all(bytes, std::move(done)); });
}

// An error only means that the other side is quicker, or does not answer in time.
Task<void> Stream::finish() {
  if (tls_) {
    co_await tls_->stream.async_shutdown(kAwaitTuple);
    tls_.reset();
  }
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::cancel() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Stream::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace skerry::api
