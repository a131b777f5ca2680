#include "controller/hub/door/tls_socket.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

#include "common/check.h"

namespace skerry::door {

// OpenSSL's own BIO of a socket writes with write(), which raises SIGPIPE where the other end has gone.
struct TlsSocket::Bio {
  static BIO* make(Wire& wire) {
    BIO* const bio = BIO_new(method());
    check(bio != nullptr, "there is memory for a BIO");
    BIO_set_data(bio, &wire);
    BIO_set_init(bio, 1);
    return bio;
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* const made =
          BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "door");
      check(made != nullptr && BIO_meth_set_read(made, read) == 1 &&
                BIO_meth_set_write(made, write) == 1 && BIO_meth_set_ctrl(made, control) == 1,
            "a kind of BIO can be made");
      return made;
    }();
    return method;
  }

  static int read(BIO* bio, char* into, int size) {
    auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (wire.is_empty) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const ssize_t got = ::recv(wire.fd, into, static_cast<std::size_t>(size), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      BIO_set_retry_read(bio);
    }
    wire.is_empty = got > 0 && got < size;
    wire.received_bytes += got > 0 ? static_cast<std::uint64_t>(got) : 0;
    return static_cast<int>(got);
  }
  static int write(BIO* bio, const char* bytes, int size) {
    auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const ssize_t put =
        ::send(wire.fd, bytes, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0 && (errno == EAGAIN || errno == EINTR)) {
      BIO_set_retry_write(bio);
    }
    return static_cast<int>(put);
  }
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
};

TlsSocket::TlsSocket(asio::ip::tcp::socket socket, const pki::TlsContext& context)
    : socket_(std::move(socket)),
      wire_(std::make_unique<Wire>(Wire{.fd = socket_.native_handle()})),
      ssl_(SSL_new(context.native()), SSL_free) {
  check(ssl_ != nullptr, "there is memory for a TLS connection");
  BIO* const bio = Bio::make(*wire_);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_accept_state(ssl_.get());
  SSL_set_read_ahead(ssl_.get(), 1);  // one call for all that has come, not two for each record
}

TlsSocket::Outcome TlsSocket::outcome_of(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  ERR_clear_error();
  switch (error) {
    case SSL_ERROR_NONE:
      return Outcome::kDone;
    case SSL_ERROR_WANT_READ:
      return Outcome::kWantsRead;
    case SSL_ERROR_WANT_WRITE:
      return Outcome::kWantsWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Outcome::kEnded;
    default:
      return Outcome::kBroken;
  }
}

TlsSocket::Outcome TlsSocket::handshake() { return outcome_of(SSL_do_handshake(ssl_.get())); }

TlsSocket::Attempt TlsSocket::read(std::span<char> into) {
  std::size_t bytes = 0;
  const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes);
  return {.outcome = outcome_of(result), .bytes = bytes};
}

TlsSocket::Attempt TlsSocket::write(std::string_view bytes) {
  std::size_t written = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
  return {.outcome = outcome_of(result), .bytes = written};
}

void TlsSocket::say_end() {
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  boost::system::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

asio::awaitable<bool> TlsSocket::wait_for(Outcome wanted) {
  const auto what = wanted == Outcome::kWantsWrite ? asio::ip::tcp::socket::wait_write
                                                   : asio::ip::tcp::socket::wait_read;
  const auto [error] = co_await socket_.async_wait(what, asio::as_tuple(asio::use_awaitable));
  wire_->is_empty = false;
  co_return !error && socket_.is_open();
}

void TlsSocket::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  wire_->fd = -1;
}

void TlsSocket::move_to(const asio::any_io_executor& executor) {
  const auto protocol = socket_.local_endpoint().protocol();
  socket_ = asio::ip::tcp::socket(executor, protocol, socket_.release());
}

}  // namespace skerry::door
