// Other processes: the agent, other runners, children that stay behind; and the terminal.

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <string>
#include <vector>

#include "tests/sandbox/attempts.h"

namespace skerry::hostile {

namespace {

pid_t pid_in(const Arguments& arguments) { return std::stoi(arguments.at(0)); }

// It must not be missed that the agent is hit: a signal 0 asks whether one could be sent, the second is sent.
std::string signal_process(const Arguments& arguments) {
  const pid_t pid = pid_in(arguments);
  const int number = arguments.size() > 1 ? std::stoi(arguments[1]) : SIGKILL;
  return any_of(
      {outcome(kill(pid, number), fmt::format("signal process {}", pid)),
       outcome(kill(-pid, number), fmt::format("signal group {}", pid)),
       outcome(syscall(SYS_tgkill, pid, pid, number), fmt::format("signal thread {}", pid))});
}

std::string trace(const Arguments& arguments) {
  const pid_t pid = pid_in(arguments);
  const long seized = ptrace(PTRACE_SEIZE, pid, nullptr, nullptr);
  std::string told = outcome(seized, fmt::format("trace process {}", pid));
  if (seized == 0) {
    ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  }
  return told;
}

std::string read_memory(const Arguments& arguments) {
  const pid_t pid = pid_in(arguments);
  const std::string path = fmt::format("/proc/{}/mem", pid);
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  std::string opened = outcome(fd, "open " + path);
  close(fd);
  char byte = 0;
  const iovec mine{.iov_base = &byte, .iov_len = 1};
  const iovec theirs{.iov_base = &byte, .iov_len = 1};
  return any_of({opened, outcome(process_vm_readv(pid, &mine, 1, &theirs, 1, 0),
                                 fmt::format("read memory of process {}", pid))});
}

std::string take_descriptor(const Arguments& arguments) {
  const pid_t pid = pid_in(arguments);
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (handle < 0) {
    return denied(fmt::format("get a handle of process {}", pid));
  }
  return outcome(syscall(SYS_pidfd_getfd, handle, 0, 0),
                 fmt::format("take a descriptor of process {}", pid));
}

std::string see_processes(const Arguments& arguments) {
  std::vector<std::string> outcomes;
  for (const std::string& pid : arguments) {
    const std::string path = fmt::format("/proc/{}/cmdline", pid);
    outcomes.push_back(outcome(open(path.c_str(), O_RDONLY | O_CLOEXEC), "look at " + path));
    outcomes.push_back(outcome(getpgid(std::stoi(pid)), "ask for the group of " + pid));
  }
  return any_of(outcomes);
}

// Each child does the same, and none ends by itself. It names itself, so that what stays behind is found.
std::string fork_bomb(const Arguments& arguments) {
  prctl(PR_SET_NAME, arguments.at(0).c_str());
  int children = 0;
  const std::time_t end = std::time(nullptr) + 2;
  for (int failures = 0; failures < 100 && std::time(nullptr) < end;) {
    const pid_t child = fork();
    if (child == 0) {
      setsid();
      for (;;) {
        if (fork() < 0) {
          pause();
        }
      }
    }
    failures += child < 0 ? 1 : 0;
    children += child > 0 ? 1 : 0;
  }
  return children == 0 ? denied("fork") : succeeded(fmt::format("forked {} times", children));
}

std::string thread_bomb(const Arguments& arguments) {
  const int most = std::stoi(arguments.at(0));
  for (int made = 0; made < most; ++made) {
    pthread_t thread = {};
    const auto wait = [](void*) -> void* { return pause(), nullptr; };
    if (const int error = pthread_create(&thread, nullptr, wait, nullptr); error != 0) {
      errno = error;
      return denied(fmt::format("make more than {} threads", made));
    }
  }
  return succeeded(fmt::format("made {} threads", most));
}

// A child of a child in a session of its own, which nobody waits for.
std::string stay_behind(const Arguments& arguments) {
  const pid_t child = fork();
  if (child < 0) {
    return denied("fork");
  }
  if (child == 0) {
    setsid();
    if (fork() != 0) {
      _exit(0);
    }
    prctl(PR_SET_NAME, arguments.at(0).c_str());
    prctl(PR_SET_PDEATHSIG, 0);
    for (;;) {
      pause();
    }
  }
  waitpid(child, nullptr, 0);
  return succeeded("left a process behind");
}

std::string execute(const Arguments&) {
  const char* const words[] = {"/bin/sh", "-c", "exit 42", nullptr};
  const char* const none[] = {nullptr};
  const pid_t child = static_cast<pid_t>(syscall(SYS_vfork));
  if (child == 0) {
    execve(words[0], const_cast<char* const*>(words), const_cast<char* const*>(none));
    _exit(1);
  }
  int status = 0;
  if (child > 0 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 42) {
    return succeeded("ran a shell");
  }
  // In place of this process, then: if that works nobody answers.
  execve(words[0], const_cast<char* const*>(words), const_cast<char* const*>(none));
  return denied("execute a shell");
}

std::string hold_terminal(const Arguments&) {
  const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
  std::vector<std::string> outcomes = {outcome(terminal, "open the terminal")};
  for (const int fd : {0, 1, 2}) {
    outcomes.push_back(
        outcome(ioctl(fd, TIOCSCTTY, 1), fmt::format("take descriptor {} for a terminal", fd)));
    char typed = 'x';
    outcomes.push_back(
        outcome(ioctl(fd, TIOCSTI, &typed), fmt::format("type into descriptor {}", fd)));
  }
  return any_of(outcomes);
}

std::string shared_memory(const Arguments& arguments) {
  const int segment = shmget(std::stoi(arguments.at(0)), 1, 0);
  return outcome(segment, "find the shared memory of another process");
}

// What came along with the start: beside 0 to 2, the socket and the model.
std::string inherited_descriptors(const Arguments& arguments) {
  const int expected = std::stoi(arguments.at(0));
  std::string found;
  for (int fd = expected; fd < 4096; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) {
      found += fmt::format("{} ", fd);
    }
  }
  errno = EBADF;
  return found.empty() ? denied("find another descriptor")
                       : succeeded("found descriptors " + found);
}

std::string inherited_environment(const Arguments& arguments) {
  std::string all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    all += std::string(*entry) + "\n";
  }
  errno = ENOENT;
  return all.find(arguments.at(0)) == std::string::npos
             ? denied("find the secret in the environment")
             : succeeded("found the secret");
}

}  // namespace

void add_process_attempts(Attempts& attempts) {
  attempts["signal"] = signal_process;
  attempts["trace"] = trace;
  attempts["read-memory"] = read_memory;
  attempts["take-descriptor"] = take_descriptor;
  attempts["see-processes"] = see_processes;
  attempts["fork-bomb"] = fork_bomb;
  attempts["thread-bomb"] = thread_bomb;
  attempts["stay-behind"] = stay_behind;
  attempts["execute"] = execute;
  attempts["hold-terminal"] = hold_terminal;
  attempts["shared-memory"] = shared_memory;
  attempts["descriptors"] = inherited_descriptors;
  attempts["environment"] = inherited_environment;
}

}  // namespace skerry::hostile
