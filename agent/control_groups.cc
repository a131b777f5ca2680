#include "agent/control_groups.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

namespace skerry::agent {
namespace {

constexpr std::string_view kPrefix = "skerry-agent-";

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Where this process is in a hierarchy: the line "<id>:<controllers>:<path>" of /proc/self/cgroup.
std::optional<std::string> own_path(std::string_view controller) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool same = controller.empty()
                          ? controllers == ",,"
                          : controllers.find(fmt::format(",{},", controller)) != std::string::npos;
    if (same) {
      return line.substr(second + 1);
    }
  }
  return std::nullopt;
}

// Where a hierarchy is mounted, by /proc/self/mounts.
std::optional<std::string> mount_point(std::string_view type, std::string_view controller) {
  std::ifstream file("/proc/self/mounts");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string device, where, kind, flags;
    words >> device >> where >> kind >> flags;
    const bool controls =
        controller.empty() ||
        ("," + flags + ",").find(fmt::format(",{},", controller)) != std::string::npos;
    if (kind == type && controls) {
      return where;
    }
  }
  return std::nullopt;
}

// Below the root of a container's own view, the path that /proc tells may not exist; then the mount
// itself is ours.
std::string own_directory(const std::string& mount, const std::string& path) {
  const std::string directory = mount + (path == "/" ? "" : path);
  return std::filesystem::exists(directory) ? directory : mount;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

bool switched_on(const std::string& own, const std::vector<std::string>& controllers) {
  const auto on = words_of(read_file(own + "/cgroup.subtree_control"));
  return std::ranges::all_of(controllers, [&](const std::string& controller) {
    return std::ranges::find(on, controller) != on.end();
  });
}

bool switch_on(const std::string& own, const std::vector<std::string>& controllers) {
  std::string text;
  for (const std::string& controller : controllers) {
    text += (text.empty() ? "+" : " +") + controller;
  }
  return write_control(own + "/cgroup.subtree_control", text);
}

// Groups may get a controller below ours only if ours holds no process itself, so the agent
// moves into a group of its own; only when it is alone, since others are not ours to move.
bool enable_below(const std::string& own, const std::vector<std::string>& controllers) {
  if (switched_on(own, controllers) || switch_on(own, controllers)) {
    return true;
  }
  const bool alone = read_file(own + "/cgroup.procs") == fmt::format("{}\n", ::getpid());
  const std::string inner = own + "/skerry-agent";
  if (!alone || (::mkdir(inner.c_str(), 0755) != 0 && errno != EEXIST)) {
    return false;
  }
  return write_control(inner + "/cgroup.procs", "0") && switch_on(own, controllers);
}

}  // namespace

bool write_control(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool done =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0) {
    const int error = errno;
    ::close(fd);
    errno = error;
  }
  return done;
}

std::optional<GroupParent> group_parent_v2(std::string_view controllers) {
  const auto mount = mount_point("cgroup2", "");
  auto path = own_path("");
  if (!mount || !path) {
    return std::nullopt;
  }
  // Once it has moved into its inner group, its runners' groups are beside that.
  constexpr std::string_view kInner = "/skerry-agent";
  if (path->ends_with(kInner)) {
    path->resize(path->size() - kInner.size());
  }
  const std::string own = own_directory(*mount, path->empty() ? "/" : *path);
  return enable_below(own, words_of(std::string(controllers)))
             ? std::optional(GroupParent{.version = 2, .path = own})
             : std::nullopt;
}

std::optional<GroupParent> group_parent_v1(std::string_view controller) {
  const auto mount = mount_point("cgroup", controller);
  const auto path = own_path(controller);
  if (!mount || !path) {
    return std::nullopt;
  }
  return GroupParent{.version = 1, .path = own_directory(*mount, *path)};
}

std::string runner_group(const std::string& parent, std::uint64_t runner) {
  return fmt::format("{}/{}{}-{}", parent, kPrefix, ::getpid(), runner);
}

void remove_leftover_groups(const std::string& parent) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename().string();
    int pid = 0;
    const bool ours =
        name.starts_with(kPrefix) &&
        std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), pid).ec ==
            std::errc();
    if (ours && pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) {
      ::rmdir(entry.path().c_str());
    }
  }
}

}  // namespace skerry::agent
