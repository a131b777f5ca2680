// runner_child.h: one runner process as the agent holds it: frames over its socket, what it writes to standard error, its
// end.
//
// A runner is not trusted. What is no frame ends it, as does closing its socket without ending; its standard error is read
// as fast as a log is worth and no faster, so that one that floods it only blocks itself; it is read to its end only for the
// last line, which becomes part of how it ended. Everything that a frame holds is the engine's to judge.
//
// Owned by RunnerProcesses, and by its own pending operations, until abandon(). All methods run on the strand.

#pragma once

#include <sys/types.h>

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/cpu_limit.h"
#include "agent/engines/runners.h"
#include "common/log.h"
#include "common/time.h"

namespace skerry::agent {

class RunnerChild : public std::enable_shared_from_this<RunnerChild> {
 public:
  // Of a process that runs. The descriptors become this object's.
  struct Handles {
    pid_t pid = -1;
    int pid_fd = -1;
    int socket_fd = -1;
    int stderr_fd = -1;
  };
  struct Events {
    std::function<void(runner::Frame)> frame;
    // Once it has entered its sandbox, if it was told to say so; an error is why it must not be used.
    std::function<Status(const runner::Ready&)> ready;
    std::function<void(RunnerExit)> ended;  // once, and nothing after it; it is reaped
  };

  // reports: its first frame has to be Ready, and an end before that counts as never started.
  RunnerChild(Handles handles, bool reports, Events events, boost::asio::any_io_executor strand,
              Log& log);
  ~RunnerChild();

  void begin();
  void send(std::string bytes);
  void kill();
  void abandon();  // closes everything; no event comes any more
  void end_now();  // blocks for as long as the kernel needs to take it down

  bool busy() const { return in_flight_ > 0 && !reaped_; }
  // The sigstop limit's look at the process: stops it or lets it go on.
  void govern(Instant now, double quota);
  void let_go();

 private:
  static constexpr std::size_t kReadBytes = 64 * 1024;
  static constexpr std::size_t kErrorBytes = 4096;

  void read();
  void on_read(const boost::system::error_code& error, std::size_t count);
  bool take(runner::Frame frame);
  void write();
  void wait_for_end();
  void read_errors();
  void on_errors(std::string_view text);
  void drain_errors();
  void reap();
  void finish_if_over();
  void break_off(std::string why);

  const pid_t pid_;
  const Events events_;
  Log& log_;
  boost::asio::posix::stream_descriptor exit_;
  boost::asio::local::stream_protocol::socket socket_;
  boost::asio::posix::stream_descriptor errors_;
  boost::asio::steady_timer patience_;  // between the end of the socket and that of the process
  boost::asio::steady_timer pause_;     // of reading standard error
  runner::FrameReader frames_;
  std::array<char, kReadBytes> buffer_;
  std::array<char, kErrorBytes> error_buffer_;
  std::deque<std::string> outgoing_;
  std::string line_;
  std::string last_line_;
  std::string broken_;
  std::string how_;
  std::uint32_t in_flight_ = 0;  // frames that it has not answered
  std::optional<DutyCycle> duty_;
  bool expects_ready_;
  bool stopped_ = false;
  bool killed_ = false;
  bool reaped_ = false;
  bool at_end_ = false;
  bool abandoned_ = false;
};

}  // namespace skerry::agent
