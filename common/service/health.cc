#include "common/service/health.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace skerry::service {

namespace {

namespace local = boost::asio::local;

constexpr const char* kName = "health.sock";
constexpr std::string_view kReady = "ready";
constexpr std::chrono::milliseconds kPause(100);
constexpr timeval kPatience = {.tv_sec = 3, .tv_usec = 0};

// A folder, by which a socket in it is named in few letters: the name of a socket may have 107.
class Folder {
 public:
  explicit Folder(const std::string& path)
      : fd_(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}
  ~Folder() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  bool is_open() const { return fd_ >= 0; }
  std::string socket() const { return fmt::format("/proc/self/fd/{}/{}", fd_, kName); }

 private:
  int fd_;
};

// What comes until the other end closes; empty: nothing in time, or nobody.
std::string read_line(const std::string& path) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  std::string line;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    std::array<char, 1024> bytes{};
    for (ssize_t got = 1; got > 0;) {
      got = ::recv(socket, bytes.data(), bytes.size(), 0);
      line.append(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
  }
  ::close(socket);
  return line.substr(0, line.find('\n'));
}

}  // namespace

HealthSocket::HealthSocket(boost::asio::io_context& io, Ready ready)
    : acceptor_(boost::asio::make_strand(io)),
      pause_(acceptor_.get_executor()),
      ready_(std::move(ready)) {}

HealthSocket::~HealthSocket() { forget(); }

Status HealthSocket::open(const std::string& folder) {
  const Folder place(folder);
  if (!place.is_open()) {
    return fail(ErrorCode::kIo, fmt::format("cannot open {}: {}", folder, std::strerror(errno)));
  }
  ::unlink(place.socket().c_str());  // that of a process which was killed
  boost::system::error_code error;
  acceptor_.open(local::stream_protocol(), error);
  if (!error) {
    acceptor_.bind(local::stream_protocol::endpoint(place.socket()), error);
  }
  if (!error) {
    acceptor_.listen(local::stream_protocol::acceptor::max_listen_connections, error);
  }
  if (error) {
    forget();
    return fail(ErrorCode::kIo,
                fmt::format("cannot listen at {}/{}: {}", folder, kName, error.message()));
  }
  folder_ = folder;
  accept();
  return {};
}

void HealthSocket::close() {
  boost::asio::post(acceptor_.get_executor(), [this] { forget(); });
}

void HealthSocket::forget() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  if (!folder_.empty()) {
    ::unlink((std::exchange(folder_, {}) + "/" + kName).c_str());
  }
}

void HealthSocket::accept() {
  acceptor_.async_accept([this](const boost::system::error_code& error,
                                local::stream_protocol::socket caller) {
    if (!acceptor_.is_open() || error == boost::asio::error::operation_aborted) {
      return;
    }
    if (error) {  // too many files are open, say
      pause_.expires_after(kPause);
      pause_.async_wait([this](const boost::system::error_code& closed) {
        if (!closed) {
          accept();
        }
      });
      return;
    }
    const Status ready = ready_();
    const std::string line =
        ready ? fmt::format("{}\n", kReady) : fmt::format("not ready: {}\n", ready.error().message);
    boost::system::error_code ignored;
    caller.non_blocking(true, ignored);
    caller.write_some(boost::asio::buffer(line), ignored);  // a line fits into the kernel's buffer
    accept();
  });
}

Status ask_health(const std::string& folder, bool ready) {
  const Folder place(folder);
  const std::string line = place.is_open() ? read_line(place.socket()) : std::string();
  if (line.empty()) {
    return fail(
        ErrorCode::kUnavailable,
        fmt::format("nobody answers at {}/{}: the daemon does not run, hangs, or is another "
                    "user's",
                    folder, kName));
  }
  return line == kReady || !ready ? Status() : fail(ErrorCode::kUnavailable, line);
}

}  // namespace skerry::service
