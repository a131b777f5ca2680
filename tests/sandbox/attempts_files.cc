// Files: reading what is the agent's, writing anywhere, getting out of the root, devices and mounts.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/sandbox/attempts.h"

namespace skerry::hostile {

namespace {

std::string read_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return denied("open " + path);
  }
  std::array<char, 256> text;
  const ssize_t got = read(fd, text.data(), text.size());
  close(fd);
  return got >= 0 ? succeeded(fmt::format("read {} bytes of {}", got, path))
                  : denied("read " + path);
}

std::string write_file(const std::string& path, int flags) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0666);
  if (fd < 0) {
    return denied("open " + path);
  }
  const ssize_t put = write(fd, "hostile", 7);
  close(fd);
  return put == 7 ? succeeded("wrote to " + path) : denied("write to " + path);
}

// A file of the agent's, by every way that a path can take.
std::string steal(const Arguments& paths) {
  std::vector<std::string> outcomes;
  for (const std::string& path : paths) {
    for (const char* way :
         {"", "/proc/1/root", "/proc/self/root", "/old", "/../../../..", "/proc/self/cwd"}) {
      outcomes.push_back(read_file(way + path));
    }
  }
  return any_of(outcomes);
}

std::string plant(const Arguments& paths) {
  std::vector<std::string> outcomes;
  for (const std::string& path : paths) {
    outcomes.push_back(write_file(path, O_CREAT));
    outcomes.push_back(write_file(path, O_TRUNC));
    outcomes.push_back(outcome(unlink(path.c_str()), "remove " + path));
    outcomes.push_back(outcome(rename(path.c_str(), (path + ".moved").c_str()), "move " + path));
    outcomes.push_back(
        outcome(symlink("/etc/passwd", (path + ".link").c_str()), "link from " + path));
  }
  return any_of(outcomes);
}

// The old way out of a chroot, and a plain one.
std::string escape(const Arguments&) {
  const int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  mkdir("/scratch/inner", 0700);
  std::string inner = outcome(chroot("/scratch/inner"), "chroot into scratch");
  if (here >= 0 && fchdir(here) == 0) {
    for (int up = 0; up < 64; ++up) {
      [[maybe_unused]] const int climbed = chdir("..");
    }
    inner = any_of({inner, read_file("etc/shadow")});
  }
  return inner;
}

std::string mount_something(const Arguments&) {
  return any_of({outcome(mount("x", "/scratch", "tmpfs", 0, nullptr), "mount a tmpfs"),
                 outcome(mount("proc", "/scratch", "proc", 0, nullptr), "mount a proc"),
                 outcome(mount("sysfs", "/scratch", "sysfs", 0, nullptr), "mount a sysfs"),
                 outcome(mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND, nullptr),
                         "make the root writable"),
                 outcome(umount2("/scratch", MNT_DETACH), "unmount scratch")});
}

std::string raw_device(const Arguments& paths) {
  std::vector<std::string> outcomes;
  for (const std::string& path : paths) {
    struct stat found = {};
    outcomes.push_back(read_file(path));
    const dev_t device = stat(path.c_str(), &found) == 0 ? found.st_rdev : makedev(254, 0);
    const std::string made = "/scratch/device";
    outcomes.push_back(outcome(mknod(made.c_str(), S_IFBLK | 0600, device), "make a device"));
    outcomes.push_back(read_file(made));
    outcomes.push_back(
        outcome(mknod("/tmp/device", S_IFBLK | 0600, device), "make a device in /tmp"));
  }
  return any_of(outcomes);
}

// What the scratch space takes, in MiB, and in files.
std::string fill_scratch(const Arguments& arguments) {
  const auto most_mib = arguments.empty() ? 4096 : std::stoi(arguments[0]);
  const std::string mebibyte(1u << 20, 'x');
  int taken_mib = 0;
  bool full = false;
  for (int file = 0; !full && taken_mib < most_mib; ++file) {
    const int fd =
        open(fmt::format("/scratch/{}", file).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    full = fd < 0;
    for (int i = 0; fd >= 0 && i < 8 && taken_mib < most_mib; ++i) {
      const ssize_t put = write(fd, mebibyte.data(), mebibyte.size());
      if (put != static_cast<ssize_t>(mebibyte.size())) {
        full = true;
        break;
      }
      ++taken_mib;
    }
    close(fd);
  }
  if (full) {
    return denied(fmt::format("write more than {} MiB to scratch", taken_mib));
  }
  return succeeded(fmt::format("wrote {} MiB to scratch", taken_mib));
}

// What a runner before this one may have left.
std::string look_for_leftovers(const Arguments&) {
  std::error_code failed;
  std::string found;
  for (const auto& entry : std::filesystem::directory_iterator("/scratch", failed)) {
    found += entry.path().filename().string() + " ";
  }
  return found.empty() ? denied("find anything in scratch")
                       : succeeded("found in scratch: " + found);
}

std::string set_user_id_program(const Arguments&) {
  const int fd = open("/scratch/program", O_CREAT | O_RDWR | O_CLOEXEC, 0755);
  const std::string made = outcome(fd < 0 ? -1 : fchmod(fd, 04755), "make a set-user-id program");
  close(fd);
  return made;
}

// Every setting of the kernel that a container was ever left by.
std::string kernel_settings(const Arguments&) {
  std::vector<std::string> outcomes;
  for (const char* path :
       {"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger",
        "/sys/kernel/uevent_helper", "/sys/fs/cgroup/release_agent", "/proc/self/oom_score_adj",
        "/sys/power/state", "/proc/1/oom_score_adj"}) {
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    outcomes.push_back(outcome(fd, fmt::format("open {} to write", path)));
    close(fd);
  }
  return any_of(outcomes);
}

}  // namespace

void add_file_attempts(Attempts& attempts) {
  attempts["steal"] = steal;
  attempts["plant"] = plant;
  attempts["escape"] = escape;
  attempts["mount"] = mount_something;
  attempts["raw-device"] = raw_device;
  attempts["fill-scratch"] = fill_scratch;
  attempts["leftovers"] = look_for_leftovers;
  attempts["set-user-id"] = set_user_id_program;
  attempts["kernel-settings"] = kernel_settings;
}

}  // namespace skerry::hostile
