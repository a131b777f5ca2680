#include "tests/unit/http_double.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <memory>

#include "common/check.h"

namespace skerry {

namespace {

// Bytes of a socket, encrypted or not.
class Wire {
 public:
  Wire(int fd, SSL_CTX* tls) : fd_(fd), ssl_(tls == nullptr ? nullptr : SSL_new(tls), SSL_free) {
    if (ssl_) {
      SSL_set_fd(ssl_.get(), fd);
      ok_ = SSL_accept(ssl_.get()) == 1;
    }
  }

  bool ok() const { return ok_; }
  std::string read() {
    char bytes[4096];
    const auto count =
        ssl_ ? SSL_read(ssl_.get(), bytes, sizeof(bytes)) : recv(fd_, bytes, sizeof(bytes), 0);
    return count > 0 ? std::string(bytes, static_cast<std::size_t>(count)) : "";
  }
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                              : send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) {
        return;  // the client has heard enough
      }
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

 private:
  int fd_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  bool ok_ = true;
};

std::size_t body_bytes(std::string_view head) {
  constexpr std::string_view kLength = "Content-Length: ";
  std::size_t bytes = 0;
  if (const auto at = head.find(kLength); at != head.npos) {
    std::from_chars(head.data() + at + kLength.size(), head.data() + head.size(), bytes);
  }
  return bytes;
}

std::string read_request(Wire& wire) {
  std::string request;
  while (true) {
    const auto end = request.find("\r\n\r\n");
    if (end != request.npos && request.size() >= end + 4 + body_bytes(request.substr(0, end))) {
      return request;
    }
    const std::string more = wire.read();
    if (more.empty()) {
      return "";
    }
    request += more;
  }
}

int listen_on(const HttpDouble::Options& options) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  const bool is_v4 = inet_pton(AF_INET, options.address.c_str(), &v4.sin_addr) == 1;
  check(is_v4 || inet_pton(AF_INET6, options.address.c_str(), &v6.sin6_addr) == 1,
        "the address is one");
  v4.sin_family = AF_INET;
  v4.sin_port = htons(options.port);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(options.port);
  const auto* address =
      is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  const auto size = static_cast<socklen_t>(is_v4 ? sizeof(v4) : sizeof(v6));
  const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  check(fd >= 0 && bind(fd, address, size) == 0 && listen(fd, 64) == 0,
        "loopback can be listened on");
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  check(getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) == 0,
        "a listening socket has a port");
  // At the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in&>(bound).sin_port);
}

}  // namespace

HttpDouble::HttpDouble(Answer answer, const Options& options)
    : answer_(std::move(answer)),
      tls_(options.tls),
      listener_(listen_on(options)),
      port_(port_of(listener_)) {
  thread_ = std::thread([this] { serve(); });
}

HttpDouble::~HttpDouble() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    shutdown(listener_, SHUT_RDWR);
    if (serving_ >= 0) {
      shutdown(serving_, SHUT_RDWR);
    }
  }
  thread_.join();
  close(listener_);
}

std::vector<std::string> HttpDouble::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpDouble::serve() {
  sigset_t sigpipe;
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &sigpipe, nullptr);  // clients hang up while OpenSSL writes
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    {
      const std::lock_guard lock(mutex_);
      if (fd < 0 || stopping_) {
        if (fd >= 0) {
          close(fd);
        }
        return;
      }
      serving_ = fd;
    }
    ++connections_;
    serve_one(fd);
    const std::lock_guard lock(mutex_);
    serving_ = -1;
    close(fd);
  }
}

void HttpDouble::serve_one(int fd) {
  Wire wire(fd, tls_);
  if (!wire.ok()) {
    return;
  }
  const std::string request = read_request(wire);
  if (request.empty()) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  if (const std::string bytes = answer_(request); !bytes.empty()) {
    wire.write(bytes);
  } else {
    while (!wire.read().empty()) {
    }
  }
}

std::string http_answer(std::string_view body, std::string_view status, std::string_view headers) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{}", status,
      body.size(), headers, body);
}

}  // namespace skerry
