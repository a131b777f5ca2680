// The kernel itself: its less travelled interfaces, users and capabilities, namespaces, limits.

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "tests/sandbox/attempts.h"

namespace skerry::hostile {

namespace {

std::string load_module(const Arguments&) {
  return any_of({outcome(syscall(SYS_init_module, "", 0, ""), "load a module"),
                 outcome(syscall(SYS_finit_module, 0, "", 0), "load a module from a file"),
                 outcome(syscall(SYS_delete_module, "none", O_NONBLOCK), "remove a module")});
}

std::string become_root(const Arguments&) {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> all;
  all.fill({.effective = ~0u, .permitted = ~0u, .inheritable = ~0u});
  const gid_t group = 0;
  return any_of(
      {outcome(setresuid(12345, 12345, 12345), "become another user"),
       outcome(setgroups(1, &group), "join a group"),
       outcome(syscall(SYS_capset, &header, all.data()), "take every capability"),
       outcome(getuid() == 0 && prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1 ? 0 : -1,
               "be root")});
}

std::string io_uring(const Arguments&) {
  std::array<char, 256> parameters = {};
  return outcome(syscall(SYS_io_uring_setup, 8, parameters.data()), "set up an io_uring");
}

std::string userfaultfd(const Arguments&) {
  return outcome(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK), "make a userfaultfd");
}

std::string bpf(const Arguments&) {
  union bpf_attr map = {};
  map.map_type = BPF_MAP_TYPE_ARRAY;
  map.key_size = 4;
  map.value_size = 4;
  map.max_entries = 1;
  return outcome(syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof(map)), "make a BPF map");
}

std::string keyrings(const Arguments&) {
  constexpr int kSession = -3;
  constexpr int kGetKeyring = 0;
  return any_of(
      {outcome(syscall(SYS_add_key, "user", "hostile", "x", 1, kSession), "keep a key"),
       outcome(syscall(SYS_keyctl, kGetKeyring, kSession, 0), "open the session's keyring")});
}

std::string perf(const Arguments&) {
  perf_event_attr what = {};
  what.type = PERF_TYPE_SOFTWARE;
  what.size = sizeof(what);
  what.config = PERF_COUNT_SW_CPU_CLOCK;
  return outcome(syscall(SYS_perf_event_open, &what, -1, 0, -1, 0), "watch a processor");
}

std::string reboot_machine(const Arguments&) {
  // A command that the kernel does not have: with the privilege it is refused as such, and nothing reboots.
  const long done = syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, 0x12345, nullptr);
  return done < 0 && errno == EINVAL ? succeeded("could have rebooted the machine")
                                     : denied("reboot");
}

std::string set_clock(const Arguments&) {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return outcome(clock_settime(CLOCK_REALTIME, &now), "set the clock");
}

std::string new_namespaces(const Arguments&) {
  const pid_t child = static_cast<pid_t>(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
  if (child == 0) {
    _exit(0);
  }
  return any_of({outcome(child, "make a process in a user namespace"),
                 outcome(unshare(CLONE_NEWUSER), "make a user namespace"),
                 outcome(unshare(CLONE_NEWNS), "make a mount namespace"),
                 outcome(unshare(CLONE_NEWNET), "make a network namespace")});
}

std::string join_namespaces(const Arguments& arguments) {
  std::vector<std::string> outcomes;
  for (const char* name : {"user", "mnt", "net", "pid"}) {
    const std::string path = fmt::format("/proc/{}/ns/{}", arguments.at(0), name);
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    outcomes.push_back(outcome(fd < 0 ? -1 : setns(fd, 0), "join " + path));
  }
  return any_of(outcomes);
}

// What the runner gave up before the model came.
std::string take_back(const Arguments&) {
  rlimit core = {.rlim_cur = 1u << 20, .rlim_max = 1u << 20};
  rlimit files = {.rlim_cur = 1u << 19, .rlim_max = 1u << 19};
  cpu_set_t all;
  CPU_ZERO(&all);
  for (std::size_t processor = 0; processor < 64; ++processor) {
    CPU_SET(processor, &all);
  }
  return any_of({outcome(setrlimit(RLIMIT_CORE, &core), "raise the limit of core dumps"),
                 outcome(setrlimit(RLIMIT_NOFILE, &files), "raise the limit of descriptors"),
                 outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "become traceable"),
                 outcome(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0), "outlive the agent"),
                 outcome(setpriority(PRIO_PROCESS, 0, -20), "go before others"),
                 outcome(sched_setaffinity(0, sizeof(all), &all), "use other processors")});
}

}  // namespace

void add_kernel_attempts(Attempts& attempts) {
  attempts["load-module"] = load_module;
  attempts["become-root"] = become_root;
  attempts["io-uring"] = io_uring;
  attempts["userfaultfd"] = userfaultfd;
  attempts["bpf"] = bpf;
  attempts["keyrings"] = keyrings;
  attempts["perf"] = perf;
  attempts["reboot"] = reboot_machine;
  attempts["set-clock"] = set_clock;
  attempts["new-namespaces"] = new_namespaces;
  attempts["join-namespaces"] = join_namespaces;
  attempts["take-back"] = take_back;
}

}  // namespace skerry::hostile
