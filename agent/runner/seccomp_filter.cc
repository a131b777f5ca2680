#include "agent/runner/seccomp_filter.h"

#if SKERRY_WITH_SECCOMP

#include <fmt/format.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>

namespace skerry::runner {

namespace {

using Names = std::initializer_list<const char*>;

// With any arguments. What they can reach is the other layers' business: a path is opened inside the runner's root, memory
// is counted, descriptors are few.
constexpr Names kAllowed = {
    // memory
    "brk",
    "mprotect",
    "mremap",
    "munmap",
    "madvise",
    "msync",
    "mincore",
    "mlock",
    "munlock",
    // files: the loader opens some 300 libraries, libtorch asks for the processors
    "open",
    "openat",
    "close",
    "read",
    "readv",
    "pread64",
    "write",
    "writev",
    "pwrite64",
    "lseek",
    "_llseek",
    "access",
    "faccessat",
    "faccessat2",
    "stat",
    "stat64",
    "fstat",
    "fstat64",
    "lstat",
    "lstat64",
    "newfstatat",
    "fstatat64",
    "statx",
    "statfs",
    "statfs64",
    "fstatfs",
    "fstatfs64",
    "readlink",
    "readlinkat",
    "getdents",
    "getdents64",
    "getcwd",
    "dup",
    "fcntl",
    "fcntl64",
    // its scratch space
    "ftruncate",
    "ftruncate64",
    "fallocate",
    "fsync",
    "fdatasync",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "rename",
    "renameat",
    "renameat2",
    // threads, and waiting for each other
    "futex",
    "futex_time64",
    "futex_waitv",
    "set_robust_list",
    "get_robust_list",
    "rseq",
    "set_tid_address",
    "sched_yield",
    "sched_getaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "getpriority",
    "gettid",
    "membarrier",
    "exit",
    "exit_group",
    "restart_syscall",
    // signals
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigreturn",
    "sigaltstack",
    "rt_sigtimedwait",
    "pause",
    // time
    "clock_gettime",
    "clock_gettime64",
    "clock_getres",
    "clock_getres_time64",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "nanosleep",
    "gettimeofday",
    "time",
    "times",
    "getrusage",
    // who and where am I
    "getpid",
    "getppid",
    "getuid",
    "getuid32",
    "geteuid",
    "geteuid32",
    "getgid",
    "getgid32",
    "getegid",
    "getegid32",
    "getgroups",
    "getrlimit",
    "ugetrlimit",
    "uname",
    "sysinfo",
    "getcpu",
    "getrandom",
    "get_mempolicy",
    // the socket to the agent: no descriptors travel by these
    "recvfrom",
    "poll",
    "ppoll",
    "ppoll_time64",
    "select",
    "pselect6",
    "pselect6_time64",
    "_newselect",
    "shutdown",
};

// What NVIDIA's driver needs beside that: its devices are spoken to by ioctl, memory is shared with them, and threads wait
// for events; it keeps a cache of compiled kernels in scratch.
constexpr Names kAllowedWithGpu = {
    "ioctl",         "eventfd2",
    "pipe",          "pipe2",
    "epoll_create",  "epoll_create1",
    "epoll_ctl",     "epoll_wait",
    "epoll_pwait",   "memfd_create",
    "mlock2",        "mbind",
    "set_mempolicy", "sched_setaffinity",
    "flock",         "fchmod",
    "dup2",          "dup3",
};

// Ends the process. No library makes these on its own account while a model runs.
constexpr Names kDeadly = {
    // other processes' memory and fate
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    // parts of the kernel that are the usual way out
    "bpf",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    "open_by_handle_at",
    "name_to_handle_at",
    "modify_ldt",
    "vm86",
    "vm86old",
    // the tree of files, and namespaces
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "chroot",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "open_tree",
    "move_mount",
    "mount_setattr",
    "unshare",
    "setns",
    "swapon",
    "swapoff",
    // the machine
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "iopl",
    "ioperm",
    "acct",
    "quotactl",
    "settimeofday",
    "sethostname",
    "setdomainname",
    "syslog",
    // another program, another user
    "execve",
    "execveat",
    "setuid",
    "setuid32",
    "setgid",
    "setgid32",
    "setreuid",
    "setreuid32",
    "setregid",
    "setregid32",
    "setresuid",
    "setresuid32",
    "setresgid",
    "setresgid32",
    "setgroups",
    "setgroups32",
    "setfsuid",
    "setfsuid32",
    "setfsgid",
    "setfsgid32",
    "capset",
};

// "It does not exist": callers try something older, or do without.
constexpr Names kAbsent = {"clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"};

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

class Builder {
 public:
  explicit Builder(scmp_filter_ctx filter) : filter_(filter) {}

  void add(std::uint32_t action, Names names) {
    for (const char* name : names) {
      add(action, name, {});
    }
  }
  // Only if every comparison of an argument holds.
  void add(std::uint32_t action, const char* name, std::initializer_list<scmp_arg_cmp> arguments) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || number < 0 || failed_ != 0) {
      return;  // another architecture's, or newer than the library
    }
    failed_ = seccomp_rule_add_array(filter_, action, number,
                                     static_cast<unsigned>(arguments.size()), arguments.begin());
    where_ = failed_ != 0 ? name : where_;
  }
  Status end() const {
    return failed_ == 0
               ? Status()
               : fail(ErrorCode::kUnsupported,
                      fmt::format("cannot add a rule for {}: {}", where_, std::strerror(-failed_)));
  }

 private:
  scmp_filter_ctx filter_;
  int failed_ = 0;
  const char* where_ = "";
};

scmp_arg_cmp masked(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}
scmp_arg_cmp equal(unsigned argument, std::uint64_t value) {
  return {.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0};
}

// Calls of which only some uses are fit.
void add_narrow_rules(Builder& rules, bool gpu) {
  // A thread, not a process, and in no new namespace.
  constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                        CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  rules.add(SCMP_ACT_ALLOW, "clone",
            {masked(0, kNamespaces | CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM)});
  // Shared memory that is in no file is not counted as this process's own (RLIMIT_DATA).
  for (const char* call : {"mmap", "mmap2"}) {
    if (gpu) {
      rules.add(SCMP_ACT_ALLOW, call, {});
    } else {
      rules.add(SCMP_ACT_ALLOW, call, {masked(3, MAP_ANONYMOUS, 0)});
      rules.add(SCMP_ACT_ALLOW, call,
                {masked(3, MAP_ANONYMOUS | MAP_TYPE, MAP_ANONYMOUS | MAP_PRIVATE)});
    }
  }
  // Its limits are read, not set.
  rules.add(SCMP_ACT_ALLOW, "prlimit64", {equal(0, 0), equal(2, 0)});
  // To itself: raise() and abort().
  const auto self = static_cast<std::uint64_t>(getpid());
  rules.add(SCMP_ACT_ALLOW, "tgkill", {equal(0, self)});
  rules.add(SCMP_ACT_ALLOW, "prctl", {equal(0, PR_SET_NAME)});
  rules.add(SCMP_ACT_ALLOW, "prctl", {equal(0, PR_GET_NAME)});
  // To its one peer, to no address.
  rules.add(SCMP_ACT_ALLOW, "sendto", {equal(4, 0)});
}

}  // namespace

Status enter_filter(bool gpu) {
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (filter == nullptr) {
    return fail(ErrorCode::kUnsupported, "libseccomp makes no filter on this machine");
  }
  // The processor's guards against reading one's own memory by speculation slow every forward on kernels before 5.16, and
  // guard nothing here: there is one tenant in this process.
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_SSB, 1);
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  Builder rules(filter.get());
  rules.add(SCMP_ACT_ALLOW, kAllowed);
  if (gpu) {
    rules.add(SCMP_ACT_ALLOW, kAllowedWithGpu);
  }
  rules.add(SCMP_ACT_KILL_PROCESS, kDeadly);
  rules.add(SCMP_ACT_ERRNO(ENOSYS), kAbsent);
  add_narrow_rules(rules, gpu);
  if (auto added = rules.end(); !added) {
    return added;
  }
  if (const int failed = seccomp_load(filter.get()); failed != 0) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("cannot load a filter of system calls: {}", std::strerror(-failed)));
  }
  return {};
}

}  // namespace skerry::runner

#else

namespace skerry::runner {

Status enter_filter(bool) {
  return fail(ErrorCode::kUnsupported, "this runner was built without libseccomp");
}

}  // namespace skerry::runner

#endif
