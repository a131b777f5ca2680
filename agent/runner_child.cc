#include "agent/runner_child.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <boost/asio/write.hpp>
#include <chrono>
#include <cstring>
#include <utility>

#include "agent/spawn.h"
#include "common/utf8.h"

namespace skerry::agent {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kMaxLineBytes = 512;
constexpr std::size_t kPipeBytes = 1u << 20;  // the most that a pipe holds, unless root allows more
// A runner that leaves closes its socket a moment before it is gone.
constexpr auto kLeavingLimit = std::chrono::milliseconds(200);
// 4 KiB every 50 ms are 80 KiB/s.
constexpr auto kErrorPause = std::chrono::milliseconds(50);

std::string describe(const siginfo_t& info) {
  if (info.si_code != CLD_EXITED) {
    return fmt::format("by signal {} ({})", info.si_status, ::strsignal(info.si_status));
  }
  // In a pid namespace of its own a process cannot end itself by that signal.
  return info.si_status == 128 + SIGABRT ? fmt::format("by abort ({})", ::strsignal(SIGABRT))
                                         : fmt::format("with status {}", info.si_status);
}

}  // namespace

RunnerChild::RunnerChild(Handles handles, bool reports, Events events, asio::any_io_executor strand,
                         Log& log)
    : pid_(handles.pid),
      events_(std::move(events)),
      log_(log),
      exit_(strand, handles.pid_fd),
      socket_(strand, asio::local::stream_protocol(), handles.socket_fd),
      errors_(strand, handles.stderr_fd),
      patience_(strand),
      pause_(strand),
      expects_ready_(reports) {}

RunnerChild::~RunnerChild() { end_now(); }

void RunnerChild::end_now() {
  if (!reaped_) {
    kill_group(pid_);
    siginfo_t info = {};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED);
    reaped_ = true;
  }
}

void RunnerChild::begin() {
  read();
  read_errors();
  exit_.async_wait(asio::posix::stream_descriptor::wait_read,
                   [self = shared_from_this()](const boost::system::error_code& stopped) {
                     if (!stopped) {
                       self->reap();
                     }
                   });
}

void RunnerChild::send(std::string bytes) {
  ++in_flight_;
  outgoing_.push_back(std::move(bytes));
  if (outgoing_.size() == 1) {
    write();
  }
}

void RunnerChild::kill() {
  killed_ = true;
  kill_group(pid_);
}

void RunnerChild::abandon() {
  abandoned_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
  errors_.close(ignored);
  exit_.close(ignored);
  patience_.cancel();
  pause_.cancel();
}

void RunnerChild::govern(Instant now, double quota) {
  clockid_t clock = 0;
  timespec time = {};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
    return;
  }
  const Duration used = seconds(time.tv_sec) + std::chrono::duration_cast<Duration>(
                                                   std::chrono::nanoseconds(time.tv_nsec));
  if (!duty_) {
    duty_.emplace(quota, now, used);
  }
  const bool stop = duty_->must_stop(now, used);
  if (stop != stopped_) {
    stopped_ = stop;
    ::kill(-pid_, stop ? SIGSTOP : SIGCONT);
  }
}

void RunnerChild::let_go() {
  if (stopped_) {
    stopped_ = false;
    ::kill(-pid_, SIGCONT);
  }
}

void RunnerChild::read() {
  socket_.async_read_some(
      asio::buffer(buffer_),
      [self = shared_from_this()](const boost::system::error_code& error, std::size_t count) {
        self->on_read(error, count);
      });
}

void RunnerChild::on_read(const boost::system::error_code& error, std::size_t count) {
  if (abandoned_) {
    return;
  }
  if (error) {
    at_end_ = true;
    wait_for_end();
    return finish_if_over();
  }
  frames_.append({buffer_.data(), count});
  for (;;) {
    Result<runner::Frame> frame = frames_.next();
    if (!frame && frame.error().code == ErrorCode::kUnavailable) {
      return read();
    }
    if (!frame) {
      return break_off("after sending what is no frame: " + frame.error().message);
    }
    if (!take(*std::move(frame))) {
      return;
    }
  }
}

// Whether to go on.
bool RunnerChild::take(runner::Frame frame) {
  const auto* ready = std::get_if<runner::Ready>(&frame);
  if (expects_ready_) {
    if (ready == nullptr) {
      break_off("after speaking before it was in its sandbox");
      return false;
    }
    if (const Status accepted = events_.ready(*ready); !accepted) {
      break_off("since " + accepted.error().message);
      return false;
    }
    expects_ready_ = false;
    return true;
  }
  in_flight_ -= in_flight_ > 0 ? 1 : 0;
  events_.frame(std::move(frame));
  return !abandoned_;
}

void RunnerChild::break_off(std::string why) {
  broken_ = std::move(why);
  kill();
}

// Nobody can speak to one that has no socket any more.
void RunnerChild::wait_for_end() {
  patience_.expires_after(kLeavingLimit);
  patience_.async_wait([self = shared_from_this()](const boost::system::error_code& stopped) {
    if (!stopped && !self->abandoned_ && !self->reaped_ && !self->killed_) {
      self->break_off("after closing its socket without ending");
    }
  });
}

void RunnerChild::write() {
  asio::async_write(
      socket_, asio::buffer(outgoing_.front()),
      [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
        if (error || self->abandoned_) {
          return;  // the process is gone: its exit tells
        }
        self->outgoing_.pop_front();
        if (!self->outgoing_.empty()) {
          self->write();
        }
      });
}

void RunnerChild::read_errors() {
  errors_.async_read_some(
      asio::buffer(error_buffer_),
      [self = shared_from_this()](const boost::system::error_code& error, std::size_t count) {
        if (error || self->abandoned_) {
          return;
        }
        self->on_errors({self->error_buffer_.data(), count});
        self->pause_.expires_after(kErrorPause);
        self->pause_.async_wait([self](const boost::system::error_code& stopped) {
          if (!stopped && !self->abandoned_) {
            self->read_errors();
          }
        });
      });
}

void RunnerChild::on_errors(std::string_view text) {
  for (const char c : text) {
    if (c != '\n') {
      line_.append(line_.size() < kMaxLineBytes ? 1 : 0, c);
    } else if (!line_.empty()) {
      log_.debug("runner {}: {}", pid_, line_);
      last_line_ = std::exchange(line_, {});
    }
  }
}

// What the pipe still holds; no more, in case something outlived the runner and goes on writing.
void RunnerChild::drain_errors() {
  boost::system::error_code failed;
  errors_.non_blocking(true, failed);
  for (std::size_t drained = 0; !failed && drained < kPipeBytes; drained += error_buffer_.size()) {
    const std::size_t count = errors_.read_some(asio::buffer(error_buffer_), failed);
    on_errors({error_buffer_.data(), failed ? 0 : count});
  }
}

void RunnerChild::reap() {
  siginfo_t info = {};
  if (abandoned_ || ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG) != 0 ||
      info.si_pid == 0) {
    return;
  }
  reaped_ = true;
  kill_group(pid_);  // whatever it started
  drain_errors();
  how_ = broken_.empty() ? describe(info) : broken_;
  if (!last_line_.empty() && !killed_) {
    how_ += fmt::format(", last words '{}'", printable(last_line_, kMaxLineBytes));
  }
  finish_if_over();
}

// What it had sent before it ended is still in the socket; the end of the socket follows.
void RunnerChild::finish_if_over() {
  if (reaped_ && (at_end_ || killed_) && !abandoned_) {
    const bool never_started = expects_ready_ && !(killed_ && broken_.empty());
    events_.ended(
        {.how = never_started ? "it ended " + how_ : how_, .never_started = never_started});
  }
}

}  // namespace skerry::agent
