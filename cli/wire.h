// wire.h: the connection under Beast's algorithms: TCP with Beast's timeouts, or TLS over it.
//
// Takes completion handlers, not tokens. The choice is made at run time by each read and write, so that the algorithms above are compiled once.
// For client.cc alone. Not thread-safe.

#pragma once

#include <openssl/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <optional>
#include <utility>

namespace skerry::cli {

class Wire {
 public:
  using executor_type = boost::beast::tcp_stream::executor_type;

  explicit Wire(boost::asio::io_context& io) : tcp_(io) {}

  executor_type get_executor() { return tcp_.get_executor(); }
  boost::beast::tcp_stream& tcp() { return tcp_; }
  SSL* tls() { return tls_ ? tls_->native_handle() : nullptr; }

  // TLS from now on; takes the connection over. The handshake is the caller's to begin.
  void use(SSL* connection) { tls_.emplace(tcp_, connection); }
  template <typename Handler>
  void async_handshake(Handler&& handler) {
    tls_->async_handshake(boost::asio::ssl::stream_base::client, std::forward<Handler>(handler));
  }
  void close() {
    boost::system::error_code ignored;
    tcp_.socket().close(ignored);
    tls_.reset();
  }

  template <typename Buffers, typename Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    if (tls_) {
      tls_->async_read_some(buffers, std::forward<Handler>(handler));
    } else {
      tcp_.async_read_some(buffers, std::forward<Handler>(handler));
    }
  }
  template <typename Buffers, typename Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (tls_) {
      tls_->async_write_some(buffers, std::forward<Handler>(handler));
    } else {
      tcp_.async_write_some(buffers, std::forward<Handler>(handler));
    }
  }

 private:
  boost::beast::tcp_stream tcp_;
  std::optional<boost::asio::ssl::stream<boost::beast::tcp_stream&>> tls_;
};

}  // namespace skerry::cli
