#include "agent/runner/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>

namespace skerry::runner {

namespace {

std::string layer(std::string_view name, bool entered) {
  return entered ? fmt::format("{} yes", name)
                 : fmt::format("{} no ({})", name, std::strerror(errno));
}

bool close_other_descriptors(int kept) {
  constexpr unsigned kLast = std::numeric_limits<unsigned>::max();
  const auto fd = static_cast<unsigned>(kept);
  const bool below = fd <= 3 || close_range(3, fd - 1, 0) == 0;
  return below && close_range(fd < 3 ? 3 : fd + 1, kLast, 0) == 0;
}

// A new network namespace has no way out, not even to the loopback of this machine. Without the
// privilege for it a new user namespace gives it, where those are allowed.
bool leave_network() {
  return unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

// Not RLIMIT_AS: libtorch, and CUDA even more, map far more addresses than they ever use.
bool limit_memory(std::uint64_t limit_mb) {
  const rlim_t bytes = limit_mb * 1024 * 1024;
  const rlimit limit{bytes, bytes};
  return setrlimit(RLIMIT_DATA, &limit) == 0;
}

bool limit_core_dumps() {
  const rlimit none{0, 0};
  return setrlimit(RLIMIT_CORE, &none) == 0;
}

// If memory runs out on the node, the kernel ends a runner before it ends the agent.
bool volunteer_for_oom() {
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  constexpr std::string_view kScore = "500";
  const bool written =
      write(fd, kScore.data(), kScore.size()) == static_cast<ssize_t>(kScore.size());
  close(fd);
  return written;
}

}  // namespace

std::string enter_sandbox(const SandboxOptions& options) {
  std::string report = layer("no-new-privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  report += ", " + layer("dies-with-agent", prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
  report += ", " + layer("descriptors-closed", close_other_descriptors(options.kept_fd));
  report += ", " + layer("network-cut", leave_network());
  report += ", " + layer("no-core-dumps", limit_core_dumps());
  report += ", " + layer("first-to-oom", volunteer_for_oom());
  if (options.memory_limit_mb > 0) {
    report += ", " + layer(fmt::format("memory-{}-mb", options.memory_limit_mb),
                           limit_memory(options.memory_limit_mb));
  }
  return report;
}

}  // namespace skerry::runner
