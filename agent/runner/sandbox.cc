#include "agent/runner/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string_view>

#include "agent/runner/jail.h"
#include "agent/runner/landlock.h"
#include "agent/runner/seccomp_filter.h"
#include "common/error.h"

namespace skerry::runner {

namespace {

Status refused(std::string_view what) {
  return fail(ErrorCode::kUnsupported, fmt::format("{}: {}", what, std::strerror(errno)));
}

Status done_if(bool done, std::string_view what) { return done ? Status() : refused(what); }

void close_other_descriptors(std::vector<int> kept) {
  std::ranges::sort(kept);
  unsigned first = 3;
  for (const int fd : kept) {
    if (const auto next = static_cast<unsigned>(fd); next >= first) {
      if (next > first) {
        close_range(first, next - 1, 0);
      }
      first = next + 1;
    }
  }
  close_range(first, std::numeric_limits<unsigned>::max(), 0);
}

// If memory runs out on the node, the kernel ends a runner before it ends the agent.
void volunteer_for_oom() {
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd >= 0) {
    constexpr std::string_view kScore = "500";
    [[maybe_unused]] const ssize_t written = write(fd, kScore.data(), kScore.size());
    close(fd);
  }
}

// A new network namespace has no way out, not even to the loopback of this machine. A runner that was not born in one, as
// one of a test, makes it; without the privilege for it a new user namespace gives it, where those are allowed.
Status leave_network(bool born) {
  return done_if(born || unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0,
                 "cannot make a network namespace");
}

Status become(std::uint32_t uid, bool own_namespace) {
  if (uid == 0) {
    return own_namespace ? Status()
                         : fail(ErrorCode::kUnsupported,
                                "there is neither a user to become nor a user namespace");
  }
  return done_if(
      setgroups(0, nullptr) == 0 && setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0,
      fmt::format("cannot become the user {}; sandbox.uids names those that are allowed here",
                  uid));
}

// So that none can be had by executing a program of root's. Needs a capability itself, so it comes first.
void bound_capabilities() {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

void drop_capabilities() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none = {};
  syscall(SYS_capset, &header, none.data());
}

bool set_limit(int what, rlim_t most) {
  const rlimit limit{most, most};
  return setrlimit(static_cast<__rlimit_resource>(what), &limit) == 0;
}

// Since 5.14 the tasks of a user are counted by user namespace; before, those of the agent's user would count as well.
bool counts_by_namespace() {
  utsname system = {};
  unsigned major = 0;
  unsigned minor = 0;
  return uname(&system) == 0 && std::sscanf(system.release, "%u.%u", &major, &minor) == 2 &&
         (major > 5 || (major == 5 && minor >= 14));
}

// A GPU's driver maps and locks what it likes. Memory is limited by limit_memory(): libtorch maps more addresses than it
// uses, so that the limit of addresses is only there against tables of pages without end.
Status set_limits(const SandboxOptions& options) {
  constexpr rlim_t kMib = 1024 * 1024;
  constexpr rlim_t kFreeAddresses = 16 * 1024 * kMib;
  const bool gpu = !options.devices.empty();
  bool set = set_limit(RLIMIT_NOFILE, gpu ? 4096 : 256) && set_limit(RLIMIT_MSGQUEUE, 0) &&
             set_limit(RLIMIT_FSIZE, gpu ? RLIM_INFINITY : options.scratch_mb * kMib) &&
             set_limit(RLIMIT_RTPRIO, 0) && set_limit(RLIMIT_SIGPENDING, 256);
  if (!gpu) {
    set = set && set_limit(RLIMIT_MEMLOCK, 64 * 1024);
    if (options.memory_limit_mb > 0) {
      set = set && set_limit(RLIMIT_AS, kFreeAddresses + 4 * options.memory_limit_mb * kMib);
    }
  }
  if (options.uid != 0 || (options.born.contains(Layer::kUser) && counts_by_namespace())) {
    set = set && set_limit(RLIMIT_NPROC, options.tasks);
  }
  return done_if(set, "cannot set limits");
}

Status check_born(const SandboxOptions& options, Layer layer) {
  return options.born.contains(layer)
             ? Status()
             : fail(ErrorCode::kUnsupported, "the process was not started in one");
}

// What the kernel forgets when the user changes; and an agent that ended before that is found out by its socket.
void die_with_agent(int socket_fd) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  pollfd socket = {.fd = socket_fd, .events = 0, .revents = 0};
  if (poll(&socket, 1, 0) > 0 && (socket.revents & (POLLHUP | POLLERR)) != 0) {
    _exit(0);
  }
}

// The first process of a pid namespace gets no signal of its own making that it has no handler for, so that abort()
// would end as whatever comes after it.
void make_abort_end() {
  struct sigaction action = {};
  action.sa_handler = [](int) { _exit(128 + SIGABRT); };
  sigaction(SIGABRT, &action, nullptr);
}

class Entry {
 public:
  explicit Entry(const SandboxOptions& options) : options_(options) {}

  // Enters a layer if it was asked for.
  template <typename Enter>
  void layer(Layer layer, Enter enter) {
    if (!options_.layers.contains(layer)) {
      return;
    }
    const Status entered = enter();
    report_.layers.push_back({layer, entered ? "" : entered.error().message});
  }
  // The process must end because of this layer; nothing if that was not asked for.
  void break_off(Layer layer, std::string why) {
    const auto state = std::ranges::find(report_.layers, layer, &LayerState::layer);
    if (state != report_.layers.end()) {
      state->missing = std::move(why);
      report_.usable = false;
    }
  }
  bool holds(Layer layer) const {
    const auto state = std::ranges::find(report_.layers, layer, &LayerState::layer);
    return state != report_.layers.end() && state->missing.empty();
  }
  SandboxReport take() { return std::move(report_); }

 private:
  const SandboxOptions& options_;
  SandboxReport report_;
};

// What is to be seen of the file system, with or without a root of its own.
Places places(const SandboxOptions& options) {
  Places all = system_places(!options.devices.empty());
  all.readable.push_back(options.library);
  std::ranges::copy(options.readable, std::back_inserter(all.readable));
  std::ranges::copy(options.devices, std::back_inserter(all.devices));
  return all;
}

}  // namespace

SandboxReport enter_sandbox(const SandboxOptions& options) {
  Entry entry(options);
  close_other_descriptors(options.kept_fds);
  volunteer_for_oom();
  set_limit(RLIMIT_CORE, 0);
  if (options.memory_limit_mb > 0) {
    // Not RLIMIT_AS: libtorch, and CUDA even more, map far more addresses than they ever use.
    set_limit(RLIMIT_DATA, options.memory_limit_mb * 1024 * 1024);
  }
  if (getpid() == 1) {
    make_abort_end();
  }
  const Places visible = places(options);
  entry.layer(Layer::kNetwork,
              [&] { return leave_network(options.born.contains(Layer::kNetwork)); });
  entry.layer(Layer::kPid, [&] { return check_born(options, Layer::kPid); });
  entry.layer(Layer::kIpc, [&] {
    constexpr std::string_view kName = "runner";
    [[maybe_unused]] const int named = sethostname(kName.data(), kName.size());
    return check_born(options, Layer::kIpc);
  });
  entry.layer(Layer::kMount, [&] { return check_born(options, Layer::kMount); });
  const bool jailed = entry.holds(Layer::kMount);
  if (jailed) {
    umask(022);
    if (auto entered = enter_jail(visible, options.scratch_mb, entry.holds(Layer::kPid));
        !entered) {
      entry.break_off(Layer::kMount, entered.error().message);
      return entry.take();
    }
  }
  umask(077);
  entry.layer(Layer::kLimits, [&] { return set_limits(options); });
  bound_capabilities();
  entry.layer(Layer::kUser,
              [&] { return become(options.uid, options.born.contains(Layer::kUser)); });
  drop_capabilities();
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  die_with_agent(options.socket_fd);
  entry.layer(Layer::kLandlock, [&] { return enter_landlock(visible, jailed); });
  entry.layer(Layer::kSeccomp, [&] { return enter_filter(!options.devices.empty()); });
  if (!options.library.empty() && access(options.library.c_str(), R_OK) != 0) {
    const Layer hiding = errno == EACCES ? Layer::kUser : Layer::kMount;
    entry.break_off(
        hiding, fmt::format("{} cannot be read inside: {}", options.library, std::strerror(errno)));
  }
  return entry.take();
}

}  // namespace skerry::runner
