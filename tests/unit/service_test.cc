// Tests of common/service: what the service manager hears, and what a daemon's health socket answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "common/digest.h"
#include "common/service/health.h"
#include "common/service/manager.h"

namespace skerry::service {
namespace {

using testing::HasSubstr;

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() { std::filesystem::create_directories(folder_); }
  ~ServiceTest() override {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
    std::filesystem::remove_all(folder_);
  }

  // A folder whose name alone is longer than a socket's may be.
  std::string folder_ =
      testing::TempDir() + "service-" + std::string(120, 'x') + to_hex(random_bytes(8));
};

// The service manager's end.
class ManagersSocket {
 public:
  ManagersSocket()
      : name_("@skerry-test-" + to_hex(random_bytes(8))),
        socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name_.copy(address.sun_path, name_.size());
    address.sun_path[0] = '\0';
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size())),
              0);
    ::setenv("NOTIFY_SOCKET", name_.c_str(), 1);
  }
  ~ManagersSocket() { ::close(socket_); }
  ManagersSocket(const ManagersSocket&) = delete;
  ManagersSocket& operator=(const ManagersSocket&) = delete;

  std::string hear() const {
    std::array<char, 256> bytes{};
    const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), 0);
    return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }

 private:
  std::string name_;
  int socket_;
};

TEST_F(ServiceTest, WithoutAManagerNobodyHearsAnything) {
  EXPECT_FALSE(tell_manager("READY=1"));
  ::setenv("NOTIFY_SOCKET", "relative", 1);
  EXPECT_FALSE(tell_manager("READY=1"));
  ::setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
  EXPECT_FALSE(tell_manager("READY=1"));
  EXPECT_EQ(watchdog_period(), Duration(0));
}

TEST_F(ServiceTest, AManagerHearsOfReadinessOfStoppingAndOfTheWatchdog) {
  const ManagersSocket manager;
  ::setenv("WATCHDOG_USEC", "30000", 1);
  boost::asio::io_context io;
  Manager told(io);
  told.ready();
  EXPECT_EQ(manager.hear(), "READY=1\nSTATUS=\n") << "before that the watchdog does not run";
  EXPECT_EQ(manager.hear(), "WATCHDOG=1");
  io.run_one();
  EXPECT_EQ(manager.hear(), "WATCHDOG=1");
  told.stopping();
  EXPECT_EQ(manager.hear(), "STOPPING=1");
}

TEST_F(ServiceTest, TheWatchdogOfAnotherProcessIsNotOurs) {
  ::setenv("WATCHDOG_USEC", "30000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(watchdog_period(), Duration(0));
}

TEST_F(ServiceTest, WhoAsksHearsWhetherItIsReadyAndWhyNot) {
  boost::asio::io_context io;
  Status ready;
  HealthSocket socket(io, [&] { return ready; });
  ASSERT_TRUE(socket.open(folder_));
  const auto ask = [&](bool wants_ready) {
    std::jthread loop([&] {
      io.restart();
      io.run_one();
    });
    return ask_health(folder_, wants_ready);
  };
  EXPECT_TRUE(ask(true));
  ready = fail(ErrorCode::kUnavailable, "no controller");
  EXPECT_TRUE(ask(false)) << "it is alive all the same";
  EXPECT_THAT(ask(true).error().message, HasSubstr("not ready: no controller"));
}

TEST_F(ServiceTest, NobodyIsThereOnceItIsClosedAndTheNextOneTakesThePlace) {
  EXPECT_THAT(ask_health(folder_, false).error().message, HasSubstr("nobody answers"));
  EXPECT_THAT(ask_health(folder_ + "/none", false).error().message, HasSubstr("nobody answers"));
  boost::asio::io_context io;
  HealthSocket first(io, [] { return Status(); });
  ASSERT_TRUE(first.open(folder_));
  first.close();
  io.run();
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
  EXPECT_THAT(ask_health(folder_, false).error().message, HasSubstr("nobody answers"));
  HealthSocket second(io, [] { return Status(); });
  EXPECT_TRUE(second.open(folder_));
  EXPECT_EQ(HealthSocket(io, [] { return Status(); }).open(folder_ + "/none").error().code,
            ErrorCode::kIo);
}

}  // namespace
}  // namespace skerry::service
