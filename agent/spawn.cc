#include "agent/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace skerry::agent {
namespace {

// Everything the child needs, ready-made: it must not allocate, since it shares the parent's
// memory.
struct ChildPlan {
  const char* program;
  char* const* arguments;
  char* const* environment;
  int socket_fd;
  int stderr_fd;
  const char* const* cgroup_procs;
  const cpu_set_t* processors;  // nullptr = any
  int nice;
};

const char* join_groups(const char* const* procs) {
  for (; *procs != nullptr; ++procs) {
    const int fd = ::open(*procs, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || ::write(fd, "0", 1) != 1) {
      return "join a control group";
    }
    ::close(fd);
  }
  return nullptr;
}

// Moves both descriptors out of the way first, for one may be where the other goes.
const char* arrange_descriptors(int socket_fd, int stderr_fd) {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const int socket = ::fcntl(socket_fd, F_DUPFD_CLOEXEC, 10);
  const int errors = ::fcntl(stderr_fd, F_DUPFD_CLOEXEC, 10);
  const bool done = nothing >= 0 && socket >= 0 && errors >= 0 &&
                    ::dup2(nothing, STDIN_FILENO) >= 0 && ::dup2(nothing, STDOUT_FILENO) >= 0 &&
                    ::dup2(errors, STDERR_FILENO) >= 0 && ::dup2(socket, kRunnerSocketFd) >= 0;
  return done ? nullptr : "arrange descriptors";
}

// Runs in the child. Returns only if something failed: what, with errno set.
const char* become_runner(const ChildPlan& plan) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (const char* failed = join_groups(plan.cgroup_procs)) {
    return failed;
  }
  if (plan.processors != nullptr &&
      ::sched_setaffinity(0, sizeof(cpu_set_t), plan.processors) != 0) {
    return "set the processors";
  }
  if (plan.nice != 0 && ::setpriority(PRIO_PROCESS, 0, plan.nice) != 0) {
    return "set the priority";
  }
  if (const char* failed = arrange_descriptors(plan.socket_fd, plan.stderr_fd)) {
    return failed;
  }
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(SIGPIPE, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.program, plan.arguments, plan.environment);
  return "execute";
}

struct Forked {
  pid_t pid = -1;
  const char* failed = nullptr;
  int error = 0;
};

// In a function of its own, whose frame the child may use while the parent waits. posix_spawn, which the checks ask for,
// can neither join a control group nor tie the child's life to ours.
// NOLINTBEGIN(bugprone-unsafe-functions,clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
[[gnu::noinline]] Forked fork_and_exec(const ChildPlan& plan) {
  const char* volatile failed = nullptr;
  volatile int error = 0;
  const pid_t pid = ::vfork();
  if (pid == 0) {
    failed = become_runner(plan);
    error = errno;
    ::_exit(127);
  }
  if (pid < 0) {
    return {.pid = -1, .failed = "fork", .error = errno};
  }
  return {.pid = pid, .failed = failed, .error = error};
}

// NOLINTEND(bugprone-unsafe-functions,clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)

std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    all.push_back(text.c_str());
  }
  all.push_back(nullptr);
  return all;
}

}  // namespace

Result<pid_t> spawn(const SpawnOptions& options) {
  std::vector<std::string> words = {options.program};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  const std::vector<const char*> arguments = pointers(words);
  const std::vector<const char*> groups = pointers(options.cgroup_procs);
  cpu_set_t processors;
  CPU_ZERO(&processors);
  for (const int processor : options.processors) {
    CPU_SET(static_cast<std::size_t>(processor), &processors);
  }
  const ChildPlan plan{.program = options.program.c_str(),
                       .arguments = const_cast<char* const*>(arguments.data()),
                       .environment = environ,
                       .socket_fd = options.socket_fd,
                       .stderr_fd = options.stderr_fd,
                       .cgroup_procs = groups.data(),
                       .processors = options.processors.empty() ? nullptr : &processors,
                       .nice = options.nice};
  // No signal handler of ours may run in the child.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const Forked outcome = fork_and_exec(plan);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (outcome.failed == nullptr) {
    return outcome.pid;
  }
  const ErrorCode code = outcome.error == ENOENT   ? ErrorCode::kNotFound
                         : outcome.error == EACCES ? ErrorCode::kPermissionDenied
                                                   : ErrorCode::kIo;
  return fail(code, fmt::format("cannot {} for {}: {}", outcome.failed, options.program,
                                std::strerror(outcome.error)));
}

void kill_group(pid_t pid) {
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
}

}  // namespace skerry::agent
