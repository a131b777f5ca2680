#include "agent/runner_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <deque>
#include <optional>

#include "agent/runner/descriptor_passing.h"
#include "agent/spawn.h"
#include "common/check.h"

namespace skerry::agent {
namespace {

namespace asio = boost::asio;
using Socket = asio::local::stream_protocol::socket;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kMaxLineBytes = 512;
constexpr Duration kGovernorPeriod = milliseconds(10);

std::string describe(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) {
    return fmt::format("with status {}", info.si_status);
  }
  return fmt::format("by signal {} ({})", info.si_status, ::strsignal(info.si_status));
}

}  // namespace

class RunnerProcesses::Process : public std::enable_shared_from_this<Process> {
 public:
  Process(RunnerProcesses& owner, RunnerId id, pid_t pid, int pid_fd, int socket_fd, int stderr_fd)
      : owner_(owner),
        id_(id),
        pid_(pid),
        exit_(owner.strand_, pid_fd),
        socket_(owner.strand_, asio::local::stream_protocol(), socket_fd),
        errors_(owner.strand_, stderr_fd) {}
  ~Process() { end_now(); }

  // Blocks for as long as the kernel needs to take it down.
  void end_now() {
    if (!reaped_) {
      kill_group(pid_);
      siginfo_t info = {};
      ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED);
      reaped_ = true;
    }
  }

  void begin() {
    read();
    read_errors();
    exit_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& stopped) {
                       if (!stopped) {
                         self->reap();
                       }
                     });
  }

  void send(std::string bytes) {
    ++in_flight_;
    outgoing_.push_back(std::move(bytes));
    if (outgoing_.size() == 1) {
      write();
    }
  }

  // The first thing that is sent, so that the socket has room for the byte that goes ahead.
  Status send_load(std::string bytes, const std::string& path) {
    const auto file = runner::open_for_passing(path);
    if (!file) {
      return fail(file.error());
    }
    if (Status passed =
            runner::send_with_descriptor(socket_.native_handle(), bytes.front(), file->get());
        !passed) {
      return passed;
    }
    send(bytes.substr(1));
    return {};
  }

  void kill() {
    killed_ = true;
    kill_group(pid_);
  }

  // Closes everything; no handler acts afterwards.
  void abandon() {
    abandoned_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
    errors_.close(ignored);
    exit_.close(ignored);
  }

  bool busy() const { return in_flight_ > 0 && !reaped_; }

  // The sigstop limit's look at the process.
  void govern(Instant now, double quota) {
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
  void let_go() {
    if (stopped_) {
      stopped_ = false;
      ::kill(-pid_, SIGCONT);
    }
  }

 private:
  void read() {
    socket_.async_read_some(
        asio::buffer(buffer_),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t count) {
          self->on_read(error, count);
        });
  }

  void on_read(const boost::system::error_code& error, std::size_t count) {
    if (abandoned_) {
      return;
    }
    if (error) {
      at_end_ = true;
      return finish_if_over();
    }
    frames_.append({buffer_.data(), count});
    for (;;) {
      Result<runner::Frame> frame = frames_.next();
      if (!frame && frame.error().code == ErrorCode::kUnavailable) {
        break;
      }
      if (!frame) {
        broken_ = frame.error().message;
        return kill();
      }
      in_flight_ -= in_flight_ > 0 ? 1 : 0;
      owner_.events_.runner_frame(id_, *std::move(frame));
      if (abandoned_) {
        return;
      }
    }
    read();
  }

  void write() {
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

  void read_errors() {
    errors_.async_read_some(
        asio::buffer(error_buffer_),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t count) {
          if (!error && !self->abandoned_) {
            self->on_errors({self->error_buffer_.data(), count});
            self->read_errors();
          }
        });
  }

  void on_errors(std::string_view text) {
    for (const char c : text) {
      if (c != '\n') {
        line_.append(line_.size() < kMaxLineBytes ? 1 : 0, c);
      } else if (!line_.empty()) {
        owner_.log_.debug("runner {}: {}", pid_, line_);
        last_line_ = std::exchange(line_, {});
      }
    }
  }

  void reap() {
    siginfo_t info = {};
    if (abandoned_ || ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG) != 0 ||
        info.si_pid == 0) {
      return;
    }
    reaped_ = true;
    how_ = broken_.empty() ? describe(info)
                           : fmt::format("after sending what is no frame: {}", broken_);
    if (!last_line_.empty() && !killed_) {
      how_ += fmt::format(", last words '{}'", last_line_);
    }
    kill_group(pid_);  // whatever it started
    finish_if_over();
  }

  // What it had sent before it ended is still in the socket; the end of the socket follows.
  void finish_if_over() {
    if (reaped_ && (at_end_ || killed_)) {
      owner_.ended(id_, {.how = how_});
    }
  }

  RunnerProcesses& owner_;
  const RunnerId id_;
  const pid_t pid_;
  asio::posix::stream_descriptor exit_;
  Socket socket_;
  asio::posix::stream_descriptor errors_;
  runner::FrameReader frames_;
  std::array<char, kReadBytes> buffer_;
  std::array<char, kMaxLineBytes> error_buffer_;
  std::deque<std::string> outgoing_;
  std::string line_;
  std::string last_line_;
  std::string broken_;
  std::string how_;
  std::uint32_t in_flight_ = 0;  // frames that it has not answered
  std::optional<DutyCycle> duty_;
  bool stopped_ = false;
  bool killed_ = false;
  bool reaped_ = false;
  bool at_end_ = false;
  bool abandoned_ = false;
};

RunnerProcesses::RunnerProcesses(RunnerOptions options, CpuLimit limit, RunnerEvents& events,
                                 Clock& clock, asio::any_io_executor strand, Log& log)
    : options_(std::move(options)),
      limit_(std::move(limit)),
      events_(events),
      clock_(clock),
      strand_(std::move(strand)),
      log_(log),
      governor_(strand_) {}

RunnerProcesses::~RunnerProcesses() {
  governor_.cancel();
  for (const auto& [id, process] : processes_) {
    process->abandon();
    process->end_now();
    limit_.remove_group(id);
  }
}

Result<std::shared_ptr<RunnerProcesses::Process>> RunnerProcesses::start(
    RunnerId id, std::uint64_t memory_limit_bytes) {
  std::array<int, 2> sockets = {-1, -1};
  std::array<int, 2> errors = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    return fail(ErrorCode::kIo, fmt::format("cannot make a socket: {}", std::strerror(errno)));
  }
  if (::pipe2(errors.data(), O_CLOEXEC) != 0) {
    ::close(sockets[0]);
    ::close(sockets[1]);
    return fail(ErrorCode::kIo, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  }
  Result<std::string> group = limit_.make_group(id);
  SpawnOptions plan{.program = options_.program,
                    .arguments = {"--fd", fmt::format("{}", kRunnerSocketFd)},
                    .socket_fd = sockets[1],
                    .stderr_fd = errors[1],
                    .processors = options_.cpu.affinity,
                    .nice = options_.nice};
  if (memory_limit_bytes > 0) {
    plan.arguments.insert(plan.arguments.end(),
                          {"--memory-limit-mb", fmt::format("{}", memory_limit_bytes >> 20)});
  }
  if (group && !group->empty()) {
    plan.cgroup_procs.push_back(*group);
  }
  const Result<pid_t> pid = group ? skerry::agent::spawn(plan) : fail(group.error());
  ::close(sockets[1]);
  ::close(errors[1]);
  const int pid_fd = pid ? static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)) : -1;
  if (!pid || pid_fd < 0) {
    ::close(sockets[0]);
    ::close(errors[0]);
    if (pid) {
      kill_group(*pid);
      ::waitpid(*pid, nullptr, 0);
      return fail(ErrorCode::kUnsupported,
                  fmt::format("this kernel has no pidfd: {}", std::strerror(errno)));
    }
    return fail(pid.error());
  }
  return std::make_shared<Process>(*this, id, *pid, pid_fd, sockets[0], errors[0]);
}

void RunnerProcesses::spawn(RunnerId id, std::uint64_t memory_limit_bytes) {
  Result<std::shared_ptr<Process>> process = start(id, memory_limit_bytes);
  if (!process) {
    limit_.remove_group(id);
    boost::asio::post(strand_, [this, id, how = process.error().message] {
      events_.runner_exited(id, {.how = how, .never_started = true});
    });
    return;
  }
  processes_[id] = *process;
  (*process)->begin();
}

void RunnerProcesses::send(RunnerId id, const runner::Frame& frame) {
  const auto process = processes_.find(id);
  if (process == processes_.end()) {
    return;  // its exit is on the way
  }
  const auto* load = std::get_if<runner::Load>(&frame);
  if (load == nullptr) {
    process->second->send(runner::encode_frame(frame));
  } else if (Status sent =
                 process->second->send_load(runner::encode_frame(frame), load->artifact_path);
             !sent) {
    // As the runner would answer: later, and the engine ends it.
    runner::Failed failed{.id = 0, .code = sent.error().code, .message = sent.error().message};
    boost::asio::post(strand_, [this, id, failed = std::move(failed)] {
      if (processes_.contains(id)) {
        events_.runner_frame(id, failed);
      }
    });
    return;
  }
  if (limit_.method() == CpuLimit::Method::kSigstop && !governing_) {
    governing_ = true;
    watch_processor_time();
  }
}

void RunnerProcesses::kill(RunnerId id) {
  if (const auto process = processes_.find(id); process != processes_.end()) {
    process->second->kill();
  }
}

void RunnerProcesses::ended(RunnerId id, RunnerExit exit) {
  const auto process = processes_.find(id);
  check(process != processes_.end(), "a process ends once");
  process->second->abandon();
  processes_.erase(process);
  limit_.remove_group(id);
  events_.runner_exited(id, std::move(exit));
}

void RunnerProcesses::watch_processor_time() {
  bool any = false;
  for (const auto& [id, process] : processes_) {
    if (process->busy()) {
      any = true;
      process->govern(clock_.now(), limit_.quota());
    } else {
      process->let_go();
    }
  }
  governing_ = any;
  if (any) {
    governor_.expires_after(kGovernorPeriod);
    governor_.async_wait([this](const boost::system::error_code& stopped) {
      if (!stopped) {
        watch_processor_time();
      }
    });
  }
}

}  // namespace skerry::agent
