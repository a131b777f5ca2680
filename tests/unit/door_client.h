// door_client.h: a client of the agents' port that does what it likes: TLS with any certificate or none,
// then any bytes. Blocking, on loopback; a minute without an answer fails the test.

#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/pki/tls_context.h"

namespace skerry::door {

class DoorClient {
 public:
  explicit DoorClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes where nobody reads any more
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  ~DoorClient() { ::close(fd_); }
  DoorClient(const DoorClient&) = delete;

  struct Hello {
    std::optional<pki::TlsIdentity> identity = {};
    int version = 0;  // the only one; 0: any
    std::string alpn = "h2";
  };
  // Whether the handshake is through, as the client sees it: with TLS 1.3 the server may still refuse.
  bool shake_hands(const Hello& hello) {
    context_ = *pki::TlsContext::client(
        {.identity = hello.identity,
         .check_peer = [](std::span<const pki::Certificate>) { return Status(); },
         .alpn = hello.alpn});
    SSL_CTX* const context = context_->native();
    if (hello.version != 0) {
      SSL_CTX_set_security_level(context, 0);
      SSL_CTX_set_min_proto_version(context, hello.version);
      SSL_CTX_set_max_proto_version(context, hello.version);
    }
    ssl_.reset(SSL_new(context), SSL_free);
    SSL_set_fd(ssl_.get(), fd_);
    const bool done = SSL_connect(ssl_.get()) == 1;
    ERR_clear_error();
    return done;
  }

  // False: the other end has closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto put = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                            : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ERR_clear_error();
      if (put <= 0) {
        return false;
      }
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }
  // What comes next; empty: the other end has closed the connection.
  std::string receive() {
    std::string bytes(16 << 10, '\0');
    const auto got = ssl_ ? SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                          : ::recv(fd_, bytes.data(), bytes.size(), 0);
    ERR_clear_error();
    EXPECT_FALSE(got < 0 && !ssl_ && (errno == EAGAIN)) << "nothing came";
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }
  // Reads until the other end closes the connection.
  void wait_for_end() {
    while (!receive().empty()) {
    }
  }

 private:
  int fd_;
  std::optional<pki::TlsContext> context_;
  std::shared_ptr<SSL> ssl_;
};

}  // namespace skerry::door
