// Tests of the sandbox's parts, each entered by a process of its own: what is allowed goes on, what is not is refused or
// ends the process. What this kernel forbids to test is skipped. tests/sandbox tries the whole against real attempts.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/runner/landlock.h"
#include "agent/runner/seccomp_filter.h"
#include "agent/runner/start.h"

namespace skerry::runner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kNotEntered = 99;

// What became of a child that runs `body`: its exit code, or minus the signal that ended it.
template <typename Body>
int in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(body());
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// errno of a call that failed, 0 of one that did not.
int error_of(long returned) { return returned < 0 ? errno : 0; }

template <typename Attempt>
int filtered(Attempt attempt) {
  return in_child([&] {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return enter_filter(false) ? attempt() : kNotEntered;
  });
}

TEST(Layers, HaveNamesThatAreReadBack) {
  for (const Layer layer : kLayers) {
    EXPECT_EQ(layer_named(to_string(layer)), layer);
  }
  EXPECT_EQ(layers_named("seccomp,user"), (Layers{Layer::kUser, Layer::kSeccomp}));
  EXPECT_EQ(to_string(Layers{Layer::kSeccomp, Layer::kUser}), "user,seccomp");
  EXPECT_EQ(layers_named("none"), Layers());
  EXPECT_EQ(to_string(Layers()), "none");
  EXPECT_FALSE(layers_named("user,moat"));
}

TEST(Start, ReadsWhatTheAgentSaysAndRefusesWhatItDoesNot) {
  std::array<int, 2> ends;
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  const auto parse = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"skerry-runner", "--fd", std::to_string(ends[0])});
    std::vector<char*> arguments;
    for (std::string& word : words) {
      arguments.push_back(word.data());
    }
    return parse_start(static_cast<int>(arguments.size()), arguments.data());
  };
  const auto plain = parse({});
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->reports);
  EXPECT_EQ(to_string(plain->sandbox.layers), "network,seccomp,limits");
  const auto told = parse({"--layers", "user,mount", "--required", "mount", "--born", "mount,pid",
                           "--uid", "1900000007", "--readable", "/opt/a", "--readable", "/opt/b",
                           "--device", "/dev/nvidia0", "--scratch-mb", "7", "--model-fd", "4"});
  ASSERT_TRUE(told) << told.error().message;
  EXPECT_TRUE(told->reports);
  EXPECT_EQ(told->required, Layers{Layer::kMount});
  EXPECT_EQ(told->sandbox.uid, 1'900'000'007u);
  EXPECT_THAT(told->sandbox.readable, ElementsAre("/opt/a", "/opt/b"));
  EXPECT_THAT(told->sandbox.devices, ElementsAre("/dev/nvidia0"));
  EXPECT_EQ(told->model_fd, 4);
  EXPECT_THAT(parse({"--layers", "moat"}).error().message, HasSubstr("--layers cannot be 'moat'"));
  EXPECT_THAT(parse({"--uid", "4294967295"}).error().message, HasSubstr("--uid"));
  EXPECT_THAT(parse({"--tasks", "-1"}).error().message, HasSubstr("--tasks"));
  EXPECT_THAT(parse({"--readable", "opt"}).error().message, HasSubstr("--readable"));
  EXPECT_THAT(parse({"--device"}).error().message, HasSubstr("has no value"));
  EXPECT_THAT(parse({"--moat", "wide"}).error().message, HasSubstr("no option --moat"));
  EXPECT_THAT(parse({"--fd", "0"}).error().message, HasSubstr("no connected stream socket"));
  close(ends[0]);
  close(ends[1]);
}

struct FilterTest : ::testing::Test {
  void SetUp() override {
    if (filtered([] { return 0; }) == kNotEntered) {
      GTEST_SKIP() << "this kernel, or this build, has no filter of system calls";
    }
  }
};

TEST_F(FilterTest, LetsMemoryFilesAndThreadsBe) {
  EXPECT_EQ(filtered([] {
              const std::string large(8u << 20, 'x');
              const int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
              int seen = fd < 0 ? 1 : 0;
              std::thread([&] { seen += large.size() == 8u << 20 ? 0 : 2; }).join();
              return seen;
            }),
            0);
}

TEST_F(FilterTest, LetsAProcessAbort) {
  EXPECT_EQ(filtered([]() -> int { std::abort(); }), -SIGABRT);
}

TEST_F(FilterTest, RefusesNewProcessesSocketsAndUncountedMemory) {
  EXPECT_EQ(filtered([] { return error_of(fork()); }), EPERM);
  EXPECT_EQ(filtered([] { return error_of(syscall(SYS_vfork)); }), EPERM);
  EXPECT_EQ(
      filtered([] { return error_of(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)); }),
      EPERM);
  for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET}) {
    EXPECT_EQ(filtered([&] { return error_of(socket(family, SOCK_STREAM, 0)); }), EPERM) << family;
  }
  EXPECT_EQ(filtered([] {
              void* const shared = mmap(nullptr, 1u << 20, PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
              return shared == MAP_FAILED ? errno : 0;
            }),
            EPERM);
  EXPECT_EQ(filtered([] { return error_of(memfd_create("m", 0)); }), EPERM);
}

TEST_F(FilterTest, RefusesSignalsToOthersAndLimitsToBeRaised) {
  const pid_t parent = getpid();
  EXPECT_EQ(filtered([&] { return error_of(kill(parent, 0)); }), EPERM);
  EXPECT_EQ(filtered([&] { return error_of(syscall(SYS_tgkill, parent, parent, 0)); }), EPERM);
  EXPECT_EQ(filtered([] {
              const rlimit limit{1, 1};
              return error_of(setrlimit(RLIMIT_CORE, &limit));
            }),
            EPERM);
  EXPECT_EQ(filtered([] { return error_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }), EPERM);
  EXPECT_EQ(filtered([] { return error_of(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)); }), EPERM);
}

TEST_F(FilterTest, SaysOfIoUringThatItDoesNotExist) {
  EXPECT_EQ(filtered([] { return error_of(syscall(SYS_io_uring_setup, 1, nullptr)); }), ENOSYS);
}

TEST_F(FilterTest, EndsWhatNothingHonestCalls) {
  const long deadly[] = {SYS_ptrace,
                         SYS_bpf,
                         SYS_userfaultfd,
                         SYS_keyctl,
                         SYS_mount,
                         SYS_unshare,
                         SYS_setns,
                         SYS_init_module,
                         SYS_execve,
                         SYS_setuid,
                         SYS_kexec_load,
                         SYS_chroot,
                         SYS_pivot_root,
                         SYS_open_by_handle_at,
                         SYS_process_vm_writev};
  for (const long call : deadly) {
    EXPECT_EQ(filtered([&] { return error_of(syscall(call, 0, 0, 0, 0, 0, 0)); }), -SIGSYS) << call;
  }
}

struct LandlockTest : ::testing::Test {
  std::string folder = ::testing::TempDir() + "/skerry-landlock-" + std::to_string(getpid());

  void SetUp() override {
    if (landlock_version() == 0) {
      GTEST_SKIP() << "this kernel has no Landlock: " << std::strerror(errno);
    }
    std::filesystem::create_directories(folder + "/library");
    std::ofstream(folder + "/library/code") << "code";
    std::ofstream(folder + "/secret") << "secret";
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  template <typename Attempt>
  int restricted(Attempt attempt) const {
    return in_child([&] {
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      const Places places{.readable = {folder + "/library", "/not/there"},
                          .devices = {"/dev/null"}};
      return enter_landlock(places, false) ? attempt() : kNotEntered;
    });
  }
  static int error_of_open(const std::string& path, int flags) {
    return error_of(open(path.c_str(), flags | O_CLOEXEC, 0600));
  }
};

TEST_F(LandlockTest, OpensWhatIsListedForReadingAndNothingElse) {
  EXPECT_EQ(restricted([&] { return error_of_open(folder + "/library/code", O_RDONLY); }), 0);
  EXPECT_EQ(restricted([&] { return error_of_open("/dev/null", O_RDWR); }), 0);
  EXPECT_EQ(restricted([&] { return error_of_open(folder + "/library/code", O_WRONLY); }), EACCES);
  EXPECT_EQ(restricted([&] { return error_of_open(folder + "/library/new", O_CREAT | O_WRONLY); }),
            EACCES);
  EXPECT_EQ(restricted([&] { return error_of_open(folder + "/secret", O_RDONLY); }), EACCES);
  EXPECT_EQ(restricted([&] { return error_of_open("/etc/passwd", O_RDONLY); }), EACCES);
  EXPECT_EQ(
      restricted([&] {
        return error_of(rename((folder + "/secret").c_str(), (folder + "/library/code").c_str()));
      }),
      EACCES);
}

TEST_F(LandlockTest, ReachesNobodyBySignalsFrom612On) {
  if (landlock_version() < 6) {
    GTEST_SKIP() << "Landlock " << landlock_version() << " does not know of signals";
  }
  const pid_t parent = getpid();
  EXPECT_EQ(restricted([&] { return error_of(kill(parent, 0)); }), EPERM);
}

// A process in namespaces of its own, as the agent makes it; without the permission the test is skipped.
struct SandboxTest : ::testing::Test {
  std::string folder = ::testing::TempDir() + "/skerry-sandbox-" + std::to_string(getpid());
  std::array<int, 2> ends = {-1, -1};

  void SetUp() override {
    if (geteuid() != 0) {
      GTEST_SKIP() << "the namespaces of this test are made by root";
    }
    if (in_child([] { return unshare(CLONE_NEWNS | CLONE_NEWNET) == 0 ? 0 : kNotEntered; }) != 0) {
      GTEST_SKIP() << "namespaces are forbidden here";
    }
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/library") << "code";
  }
  void TearDown() override {
    std::filesystem::remove_all(folder);
    close(ends[0]);
    close(ends[1]);
  }

  template <typename Attempt>
  int sandboxed(const Layers& layers, Attempt attempt) {
    return in_child([&] {
      if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0) {
        return kNotEntered;
      }
      const SandboxReport report =
          enter_sandbox({.layers = layers,
                         .born = {Layer::kMount, Layer::kNetwork, Layer::kIpc},
                         .kept_fds = {ends[0]},
                         .socket_fd = ends[0],
                         .uid = 1'900'000'000,
                         .scratch_mb = 1,
                         .library = folder + "/library"});
      const bool entered =
          report.usable && std::ranges::all_of(report.layers, [](const auto& state) {
            return state.missing.empty();
          });
      if (!entered) {
        const std::string text = to_string(report.layers) + "\n";
        [[maybe_unused]] const ssize_t told = write(2, text.data(), text.size());
        return kNotEntered;
      }
      return attempt();
    });
  }
};

TEST_F(SandboxTest, ARootOfItsOwnHoldsTheLibraryAndLittleElse) {
  EXPECT_EQ(
      sandboxed({Layer::kMount},
                [&] {
                  const int library = open((folder + "/library").c_str(), O_RDONLY | O_CLOEXEC);
                  const bool hidden = access("/etc/passwd", F_OK) != 0 &&
                                      access("/proc/self", F_OK) != 0 &&
                                      access("/root", F_OK) != 0 && access("/old", F_OK) != 0;
                  const bool fixed =
                      open("/new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) < 0 && errno == EROFS &&
                      open((folder + "/library").c_str(), O_WRONLY | O_CLOEXEC) < 0 &&
                      errno == EROFS;
                  return library >= 0 && hidden && fixed ? 0 : 1;
                }),
      0);
}

TEST_F(SandboxTest, ScratchIsItsOwnAndEndsAtItsSize) {
  EXPECT_EQ(sandboxed({Layer::kMount, Layer::kUser},
                      [&] {
                        const int fd = open("/scratch/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
                        const std::string block(64 * 1024, 'x');
                        std::size_t written = 0;
                        while (fd >= 0 && write(fd, block.data(), block.size()) > 0 &&
                               written < (4u << 20)) {
                          written += block.size();
                        }
                        return fd >= 0 && errno == ENOSPC && written <= (1u << 20) ? 0 : 1;
                      }),
            0);
  EXPECT_FALSE(std::filesystem::exists("/scratch/file"));
}

TEST_F(SandboxTest, AnotherUserHasNoPrivilegesAndKeepsNoDescriptors) {
  const int secret = open("/etc/passwd", O_RDONLY);
  EXPECT_EQ(sandboxed({Layer::kUser},
                      [&] {
                        const bool changed = getuid() == 1'900'000'000 &&
                                             getgid() == 1'900'000'000 &&
                                             getgroups(0, nullptr) == 0 && setuid(0) != 0;
                        const bool closed = fcntl(secret, F_GETFD) < 0;
                        return changed && closed && prctl(PR_GET_DUMPABLE) == 0 &&
                                       prctl(PR_CAPBSET_READ, 0, 0, 0, 0) == 0 &&
                                       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
                                   ? 0
                                   : 1;
                      }),
            0);
  close(secret);
}

TEST_F(SandboxTest, ALayerThatCannotBeIsReportedWithItsReason) {
  const int told = in_child([&] {
    const SandboxReport report = enter_sandbox({.layers = {Layer::kPid, Layer::kUser}, .born = {}});
    const std::string text = to_string(report.layers);
    return text == "pid no (the process was not started in one), "
                   "user no (there is neither a user to become nor a user namespace)"
               ? 0
               : 1;
  });
  EXPECT_EQ(told, 0);
}

TEST_F(SandboxTest, AnAgentThatIsGoneEndsIt) {
  std::array<int, 2> lost;
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, lost.data()), 0);
  close(lost[1]);
  EXPECT_EQ(in_child([&] {
              enter_sandbox({.kept_fds = {lost[0]}, .socket_fd = lost[0]});
              return 1;
            }),
            0);
  close(lost[0]);
}

}  // namespace
}  // namespace skerry::runner
