#include "agent/runner/jail.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <link.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>

namespace skerry::runner {

namespace {

namespace fs = std::filesystem;

constexpr const char* kOldRoot = "/old";
constexpr long kMountSetattr = 442;  // the same on every architecture

Status refused(std::string_view what, const std::string& path) {
  return fail(ErrorCode::kUnsupported,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

void add_folders_of_loaded(std::set<std::string>& folders) {
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* into) {
        const std::string_view name = info->dlpi_name;
        if (name.starts_with('/')) {
          static_cast<std::set<std::string>*>(into)->insert(fs::path(name).parent_path());
        }
        return 0;
      },
      &folders);
}

void add_listed(std::string_view list, std::set<std::string>& folders) {
  while (!list.empty()) {
    const std::size_t colon = list.find(':');
    if (list.starts_with('/')) {
      folders.insert(std::string(list.substr(0, colon)));
    }
    list.remove_prefix(colon == std::string_view::npos ? list.size() : colon + 1);
  }
}

// What lies below a folder that is there as well needs no mount of its own.
bool covered(const std::string& path, const std::set<std::string>& others) {
  return std::ranges::any_of(others, [&](const std::string& other) {
    return path.size() > other.size() && path.starts_with(other) && path[other.size()] == '/';
  });
}

// mount() takes a mount's own restrictions away unless they are named again, which is not allowed in a user namespace.
bool restrict_old_way(const std::string& target, unsigned long flags) {
  struct statfs now = {};
  if (statfs(target.c_str(), &now) != 0) {
    return false;
  }
  const auto kept = static_cast<unsigned long>(now.f_flags) &
                    (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME);
  return mount(nullptr, target.c_str(), nullptr, MS_REMOUNT | MS_BIND | flags | kept, nullptr) == 0;
}

// With whatever is mounted below it; the older call, for kernels before 5.12, only reaches the top.
bool restrict(const std::string& target, bool device) {
  // linux/mount.h cannot be included beside sys/mount.h with older C libraries.
  constexpr std::uint64_t kReadOnly = 1;
  constexpr std::uint64_t kNoSuid = 2;
  constexpr std::uint64_t kNoDevices = 4;
  constexpr std::uint64_t kNoExecution = 8;
  const std::array<std::uint64_t, 4> attributes = {
      kReadOnly | kNoSuid | (device ? kNoExecution : kNoDevices), 0, 0, 0};
  return syscall(kMountSetattr, AT_FDCWD, target.c_str(), AT_RECURSIVE, attributes.data(),
                 sizeof(attributes)) == 0 ||
         restrict_old_way(target, MS_NOSUID | MS_RDONLY | (device ? MS_NOEXEC : MS_NODEV));
}

// In the new root, from the old one inside it.
Status bind(const std::string& path, bool device) {
  const std::string from = kOldRoot + path;
  std::error_code failed;
  const bool folder = fs::is_directory(from, failed);
  fs::create_directories(folder ? fs::path(path) : fs::path(path).parent_path(), failed);
  if (!folder) {
    const int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0) {
      return refused("make", path);
    }
    close(fd);
  }
  if (mount(from.c_str(), path.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    return refused("show", path);
  }
  return restrict(path, device) ? Status() : refused("protect", path);
}

Status link(const std::string& path, const std::string& to) {
  std::error_code failed;
  fs::create_directories(fs::path(path).parent_path(), failed);
  return symlink(to.c_str(), path.c_str()) == 0 ? Status() : refused("link", path);
}

// What is to be shown: real files and folders where they really are, and the links by which programs find them.
struct Plan {
  std::set<std::string> binds;
  std::map<std::string, std::string> links;
};

// Follows a path as the kernel would, and notes each link on the way.
void add_path(const fs::path& path, Plan& plan, int links_left = 40) {
  std::error_code failed;
  fs::path at;
  for (auto part = path.begin(); part != path.end(); ++part) {
    at /= *part;
    if (fs::is_symlink(at, failed) && links_left > 0) {
      const fs::path to = fs::read_symlink(at, failed);
      plan.links[at] = to;
      fs::path rest = to.is_absolute() ? to : at.parent_path() / to;
      for (++part; part != path.end(); ++part) {
        rest /= *part;
      }
      return add_path(rest.lexically_normal(), plan, links_left - 1);
    }
  }
  if (fs::exists(at, failed)) {
    plan.binds.insert(at);
  }
}

Plan plan_of(const std::vector<std::string>& paths) {
  Plan plan;
  for (const std::string& path : paths) {
    std::error_code missing;
    if (fs::exists(path, missing)) {
      add_path(fs::path(path).lexically_normal(), plan);
    }
  }
  std::erase_if(plan.binds, [all = plan.binds](const auto& path) { return covered(path, all); });
  std::erase_if(plan.links, [&](const auto& link) { return covered(link.first, plan.binds); });
  return plan;
}

// An empty root in memory, with the old one inside it.
Status change_root() {
  constexpr std::array kStages = {"/tmp", "/run", "/mnt", "/srv"};
  const auto stage = std::ranges::find_if(kStages, [](const char* path) {
    struct stat found = {};
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
  });
  if (stage == kStages.end()) {
    errno = ENOENT;
    return refused("find", "/tmp, to build a root on");
  }
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return refused("detach", "/");
  }
  if (mount("runner", *stage, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0755") != 0) {
    return refused("mount a root on", *stage);
  }
  if (chdir(*stage) != 0 || mkdir(&kOldRoot[1], 0700) != 0) {
    return refused("enter", *stage);
  }
  if (syscall(SYS_pivot_root, ".", &kOldRoot[1]) != 0 || chdir("/") != 0) {
    return refused("change", "the root");
  }
  return {};
}

Status leave_old_root() {
  if (umount2(kOldRoot, MNT_DETACH) != 0 || rmdir(kOldRoot) != 0) {
    return refused("leave", "the old root");
  }
  if (mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV,
            nullptr) != 0) {
    return refused("protect", "the root");
  }
  return {};
}

Status make_scratch(std::uint64_t size_mb) {
  const std::string options = fmt::format("size={}m,nr_inodes=4096,mode=1777", size_mb);
  if (mkdir(kScratch, 0755) != 0 ||
      mount("scratch", kScratch, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options.c_str()) != 0) {
    return refused("make", kScratch);
  }
  return {};
}

// A /proc that shows this process alone: most of a driver's questions to it are about its own process.
bool make_proc() {
  std::error_code ignored;
  fs::create_directories("/proc", ignored);
  return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, nullptr) == 0;
}

// Debian keeps the libraries of a few packages beside the folders of the architectures, not in them.
void add_libraries_beside(const char* folder, std::set<std::string>& paths) {
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder, missing)) {
    if (entry.path().filename().string().find(".so") != std::string::npos) {
      paths.insert(entry.path());
    }
  }
}

}  // namespace

Places system_places(bool gpu) {
  std::set<std::string> folders;
  add_folders_of_loaded(folders);
  add_libraries_beside("/usr/lib", folders);
  add_listed(SKERRY_TORCH_FOLDERS, folders);
  if (const char* listed = std::getenv("LD_LIBRARY_PATH"); listed != nullptr) {
    add_listed(listed, folders);
  }
  // Not /dev/zero: a shared mapping of it is memory that no limit counts.
  Places places{.readable = {folders.begin(), folders.end()},
                .devices = {"/dev/null", "/dev/random", "/dev/urandom"},
                .gpu = gpu};
  places.readable.insert(places.readable.end(),
                         {"/usr/local/lib", "/etc/ld.so.cache", "/etc/alternatives",
                          "/proc/cpuinfo", "/sys/devices/system/cpu", "/sys/devices/system/node"});
  if (gpu) {
    places.readable.insert(
        places.readable.end(),
        {"/usr/lib", "/usr/lib64", "/usr/local", "/opt/nvidia", "/sys", "/proc/driver/nvidia",
         "/proc/devices", "/proc/modules", "/proc/meminfo", "/proc/version", "/etc/nvidia"});
  }
  return places;
}

Status enter_jail(const Places& places, std::uint64_t scratch_mb, bool fresh_proc) {
  const Plan files = plan_of(places.readable);
  const Plan devices = plan_of(places.devices);
  if (auto changed = change_root(); !changed) {
    return changed;
  }
  const bool whole_proc = places.gpu && fresh_proc && make_proc();
  Status shown;
  for (const auto& [path, to] : files.links) {
    shown = shown ? link(path, to) : shown;
  }
  for (const std::string& path : files.binds) {
    const bool there = whole_proc && path.starts_with("/proc/");
    shown = shown && !there ? bind(path, false) : shown;
  }
  for (const std::string& path : devices.binds) {
    shown = shown ? bind(path, true) : shown;
  }
  if (!shown) {
    return shown;
  }
  if (auto made = make_scratch(scratch_mb); !made) {
    return made;
  }
  return leave_old_root();
}

}  // namespace skerry::runner
