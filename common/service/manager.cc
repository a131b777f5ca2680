#include "common/service/manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace skerry::service {

namespace {

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

}  // namespace

bool tell_manager(std::string_view message) {
  const std::string_view path = variable("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() < 2 || path.size() >= sizeof(address.sun_path) ||
      (path.front() != '/' && path.front() != '@')) {
    return false;
  }
  path.copy(address.sun_path, path.size());
  if (path.front() == '@') {
    address.sun_path[0] = '\0';  // an abstract one
  }
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) {
    return false;
  }
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const ssize_t sent = ::sendto(socket, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                                reinterpret_cast<const sockaddr*>(&address), length);
  ::close(socket);
  return sent == static_cast<ssize_t>(message.size());
}

Duration watchdog_period() {
  const std::string_view pid = variable("WATCHDOG_PID");
  if (!pid.empty() && number(pid) != ::getpid()) {
    return Duration(0);
  }
  return microseconds(number(variable("WATCHDOG_USEC")));
}

Manager::Manager(boost::asio::io_context& io) : period_(watchdog_period()), timer_(io) {}

void Manager::ready() {
  tell_manager("READY=1\nSTATUS=\n");
  if (period_ > Duration(0)) {
    feed();
  }
}

void Manager::feed() {
  tell_manager("WATCHDOG=1");
  timer_.expires_after(std::chrono::microseconds(period_.count() / 3));
  timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) {
      feed();
    }
  });
}

}  // namespace skerry::service
