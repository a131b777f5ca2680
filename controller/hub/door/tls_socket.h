// tls_socket.h: TLS over a socket that never blocks, without buffers of its own.
//
// OpenSSL reads and writes the socket itself; where it would wait, the caller waits for the socket.
// Asio's own TLS stream keeps 70 KiB of buffers for each connection, which thousands of agents that are
// mostly silent do not need. One thread at a time.

#pragma once

#include <openssl/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "common/pki/tls_context.h"

namespace skerry::door {

namespace asio = boost::asio;

class TlsSocket {
 public:
  // As the server. The socket stays open as long as this object.
  TlsSocket(asio::ip::tcp::socket socket, const pki::TlsContext& context);

  // What came of one attempt.
  enum class Outcome : std::uint8_t {
    kDone,
    kWantsRead,   // try again, with the same bytes, when the socket can be read
    kWantsWrite,  // ... can be written
    kEnded,       // the other end said that it is done
    kBroken,
  };
  struct Attempt {
    Outcome outcome = Outcome::kBroken;
    std::size_t bytes = 0;  // that were read or written, if it is done
  };
  Outcome handshake();
  Attempt read(std::span<char> into);
  Attempt write(std::string_view bytes);  // not empty; may take a part
  void say_end();                         // without waiting for the answer

  // Until another attempt makes sense; false: the socket was closed here.
  asio::awaitable<bool> wait_for(Outcome wanted);

  std::uint64_t bytes_received() const { return wire_->received_bytes; }
  Result<pki::Chain> peer() const { return pki::checked_peer(ssl_.get()); }
  // Ends every wait; the socket is closed.
  void close();
  // Goes on with this socket on another executor's thread; nothing may be under way.
  void move_to(const asio::any_io_executor& executor);

 private:
  // What OpenSSL reads and writes. It stays where it is.
  struct Wire {
    int fd = -1;
    std::uint64_t received_bytes = 0;
    bool is_empty = false;  // there was nothing more to read, and nobody has waited since
  };
  struct Bio;
  Outcome outcome_of(int result);

  asio::ip::tcp::socket socket_;
  std::unique_ptr<Wire> wire_;
  std::shared_ptr<SSL> ssl_;
};

}  // namespace skerry::door
