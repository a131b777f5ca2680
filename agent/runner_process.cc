#include "agent/runner_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/spawn.h"
#include "common/check.h"

namespace skerry::agent {
namespace {

constexpr Duration kGovernorPeriod = milliseconds(10);

// Closes what nobody took.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::unexpected<Error> failure(ErrorCode code, std::string_view what) {
  return fail(code, fmt::format("{}: {}", what, std::strerror(errno)));
}

}  // namespace

RunnerProcesses::RunnerProcesses(RunnerOptions options, CpuLimit limit, RunnerSandbox sandbox,
                                 RunnerEvents& events, Clock& clock,
                                 boost::asio::any_io_executor strand, Log& log)
    : options_(std::move(options)),
      limit_(std::move(limit)),
      sandbox_(std::move(sandbox)),
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
    release(id);
  }
}

void RunnerProcesses::release(RunnerId id) {
  limit_.remove_group(id);
  sandbox_.ended(id);
}

// The model is opened here, and the descriptor is all of it that the runner gets: it needs no path to it, and what was
// verified is what is loaded.
Result<pid_t> RunnerProcesses::make_process(RunnerId id, const RunnerNeeds& needs,
                                            SpawnOptions plan) {
  Descriptor model;
  if (!needs.artifact_path.empty()) {
    model = Descriptor(::open(needs.artifact_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (model.get() < 0) {
      return failure(ErrorCode::kIo, fmt::format("cannot open {}", needs.artifact_path));
    }
    plan.model_fd = model.get();
    plan.arguments.insert(plan.arguments.end(), {"--model-fd", fmt::format("{}", kRunnerModelFd)});
  }
  auto group = limit_.make_group(id);
  if (!group) {
    return fail(std::move(group).error());
  }
  if (!group->empty()) {
    plan.cgroup_procs.push_back(*group);
  }
  if (auto prepared = sandbox_.prepare(id, needs.memory_limit_bytes, plan); !prepared) {
    return fail(std::move(prepared).error());
  }
  return skerry::agent::spawn(plan);
}

Result<std::shared_ptr<RunnerChild>> RunnerProcesses::start(RunnerId id, const RunnerNeeds& needs) {
  std::array<int, 2> sockets = {-1, -1};
  std::array<int, 2> errors = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    return failure(ErrorCode::kIo, "cannot make a socket");
  }
  Descriptor socket(sockets[0]);
  const Descriptor its_socket(sockets[1]);
  if (::pipe2(errors.data(), O_CLOEXEC) != 0) {
    return failure(ErrorCode::kIo, "cannot make a pipe");
  }
  Descriptor stderr_end(errors[0]);
  const Descriptor its_stderr(errors[1]);
  const auto pid = make_process(id, needs,
                                {.program = options_.program,
                                 .arguments = {"--fd", fmt::format("{}", kRunnerSocketFd)},
                                 .socket_fd = its_socket.get(),
                                 .stderr_fd = its_stderr.get(),
                                 .processors = options_.cpu.affinity,
                                 .nice = options_.nice});
  if (!pid) {
    return fail(pid.error());
  }
  const int pid_fd = static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0));
  if (pid_fd < 0) {
    auto failed = failure(ErrorCode::kUnsupported, "this kernel has no pidfd");
    kill_group(*pid);
    ::waitpid(*pid, nullptr, 0);
    return failed;
  }
  return std::make_shared<RunnerChild>(
      RunnerChild::Handles{.pid = *pid,
                           .pid_fd = pid_fd,
                           .socket_fd = socket.release(),
                           .stderr_fd = stderr_end.release()},
      sandbox_.active(),
      RunnerChild::Events{
          .frame = [this, id](runner::Frame frame) { events_.runner_frame(id, std::move(frame)); },
          .ready = [this](const runner::Ready& ready) { return sandbox_.accept(ready); },
          .ended = [this, id](RunnerExit exit) { ended(id, std::move(exit)); }},
      strand_, log_);
}

void RunnerProcesses::spawn(RunnerId id, const RunnerNeeds& needs) {
  auto process = start(id, needs);
  if (!process) {
    release(id);
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
  process->second->send(runner::encode_frame(frame));
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
  release(id);
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
