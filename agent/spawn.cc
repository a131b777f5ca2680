#include "agent/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace skerry::agent {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;
constexpr int kAbove = 10;  // descriptors that are out of the way of those given

// Everything the child needs, ready-made: it must not allocate, since it shares the parent's memory; and what it found.
struct ChildPlan {
  const char* program = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  int socket_fd = -1;
  int model_fd = -1;
  int stderr_fd = -1;
  const char* const* cgroup_procs = nullptr;
  const cpu_set_t* processors = nullptr;  // nullptr = any
  int nice = 0;
  std::string_view uid_map;  // empty = no user namespace
  std::string_view gid_map;
  // Written by the child.
  const char* failed = nullptr;
  int error = 0;
};

bool write_text(const char* path, std::string_view text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  const bool done =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return done;
}

const char* join_groups(const char* const* procs) {
  for (; *procs != nullptr; ++procs) {
    if (!write_text(*procs, "0")) {
      return "join a control group";
    }
  }
  return nullptr;
}

// Root inside is this user outside: it may mount in its own namespace, and nothing else anywhere.
const char* map_user(const ChildPlan& plan) {
  const bool mapped = plan.uid_map.empty() || (write_text("/proc/self/setgroups", "deny") &&
                                               write_text("/proc/self/uid_map", plan.uid_map) &&
                                               write_text("/proc/self/gid_map", plan.gid_map));
  return mapped ? nullptr : "become root of a user namespace";
}

// Moves them out of the way first, for one may be where another goes.
const char* arrange_descriptors(const ChildPlan& plan) {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const int socket = ::fcntl(plan.socket_fd, F_DUPFD_CLOEXEC, kAbove);
  const int errors = ::fcntl(plan.stderr_fd, F_DUPFD_CLOEXEC, kAbove);
  const int model = plan.model_fd < 0 ? -1 : ::fcntl(plan.model_fd, F_DUPFD_CLOEXEC, kAbove);
  const bool done = nothing >= 0 && socket >= 0 && errors >= 0 &&
                    (plan.model_fd < 0 || model >= 0) && ::dup2(nothing, STDIN_FILENO) >= 0 &&
                    ::dup2(nothing, STDOUT_FILENO) >= 0 && ::dup2(errors, STDERR_FILENO) >= 0 &&
                    ::dup2(socket, kRunnerSocketFd) >= 0 &&
                    (model < 0 || ::dup2(model, kRunnerModelFd) >= 0);
  return done ? nullptr : "arrange descriptors";
}

// Runs in the child. Returns only if something failed: what, with errno set.
const char* become_runner(const ChildPlan& plan) {
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (const char* failed = join_groups(plan.cgroup_procs)) {
    return failed;
  }
  if (const char* failed = map_user(plan)) {
    return failed;
  }
  if (plan.processors != nullptr &&
      ::sched_setaffinity(0, sizeof(cpu_set_t), plan.processors) != 0) {
    return "set the processors";
  }
  if (plan.nice != 0 && ::setpriority(PRIO_PROCESS, 0, plan.nice) != 0) {
    return "set the priority";
  }
  if (const char* failed = arrange_descriptors(plan)) {
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

int run_child(void* given) {
  auto& plan = *static_cast<ChildPlan*>(given);
  plan.failed = become_runner(plan);
  plan.error = errno;
  ::_exit(127);
}

// On a stack of its own, in our memory, while this thread waits. posix_spawn can neither join a control group, nor make
// namespaces, nor tie the child's life to ours.
pid_t clone_and_wait(int (*run)(void*), void* argument, int namespaces) {
  alignas(16) std::array<std::byte, kStackBytes> stack;
  return ::clone(run, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD | namespaces,
                 argument);
}

// No signal handler of ours may run in the child.
pid_t start_undisturbed(int (*run)(void*), void* argument, int namespaces) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = clone_and_wait(run, argument, namespaces);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    all.push_back(text.c_str());
  }
  all.push_back(nullptr);
  return all;
}

std::unexpected<Error> failure(const char* what, const std::string& program, int error) {
  const ErrorCode code = error == ENOENT   ? ErrorCode::kNotFound
                         : error == EACCES ? ErrorCode::kPermissionDenied
                                           : ErrorCode::kIo;
  return fail(code, fmt::format("cannot {} for {}: {}", what, program, std::strerror(error)));
}

}  // namespace

Result<pid_t> spawn(const SpawnOptions& options) {
  std::vector<std::string> words = {options.program};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  const std::vector<const char*> arguments = pointers(words);
  const std::vector<const char*> environment = pointers(options.environment);
  const std::vector<const char*> groups = pointers(options.cgroup_procs);
  cpu_set_t processors;
  CPU_ZERO(&processors);
  for (const int processor : options.processors) {
    CPU_SET(static_cast<std::size_t>(processor), &processors);
  }
  const bool own_users = (options.namespaces & CLONE_NEWUSER) != 0;
  const std::string uid_map = fmt::format("0 {} 1\n", ::geteuid());
  const std::string gid_map = fmt::format("0 {} 1\n", ::getegid());
  ChildPlan plan{.program = options.program.c_str(),
                 .arguments = const_cast<char* const*>(arguments.data()),
                 .environment = const_cast<char* const*>(environment.data()),
                 .socket_fd = options.socket_fd,
                 .model_fd = options.model_fd,
                 .stderr_fd = options.stderr_fd,
                 .cgroup_procs = groups.data(),
                 .processors = options.processors.empty() ? nullptr : &processors,
                 .nice = options.nice,
                 .uid_map = own_users ? uid_map : std::string_view(),
                 .gid_map = own_users ? gid_map : std::string_view()};
  const pid_t pid = start_undisturbed(run_child, &plan, options.namespaces);
  if (pid < 0) {
    return failure("make a process", options.program, errno);
  }
  if (plan.failed == nullptr) {
    return pid;
  }
  ::waitpid(pid, nullptr, 0);
  return failure(plan.failed, options.program, plan.error);
}

Status try_namespaces(int namespaces) {
  const pid_t pid = start_undisturbed([](void*) -> int { ::_exit(0); }, nullptr, namespaces);
  if (pid < 0) {
    return fail(ErrorCode::kUnsupported, std::strerror(errno));
  }
  ::waitpid(pid, nullptr, 0);
  return {};
}

void kill_group(pid_t pid) {
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
}

}  // namespace skerry::agent
