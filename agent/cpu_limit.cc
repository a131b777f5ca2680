#include "agent/cpu_limit.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace skerry::agent {
namespace {

// Short, so that a throttled forward is slowed evenly; the kernel's least quota is 1 ms.
constexpr std::int64_t kPeriodUs = 10'000;
constexpr std::int64_t kLongPeriodUs = 100'000;
constexpr std::int64_t kLeastQuotaUs = 1'000;
constexpr double kMostCreditUs = 100'000;
constexpr std::string_view kPrefix = "skerry-agent-";

bool write_file(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool done =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0) {
    ::close(fd);
  }
  return done;
}

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

// Groups may get the cpu controller below ours only if ours holds no process itself, so the agent
// moves into a group of its own; only when it is alone, since others are not ours to move.
bool enable_cpu_below(const std::string& own) {
  if (read_file(own + "/cgroup.subtree_control").find("cpu") != std::string::npos) {
    return true;
  }
  if (write_file(own + "/cgroup.subtree_control", "+cpu")) {
    return true;
  }
  const bool alone = read_file(own + "/cgroup.procs") == fmt::format("{}\n", ::getpid());
  const std::string inner = own + "/skerry-agent";
  if (!alone || (::mkdir(inner.c_str(), 0755) != 0 && errno != EEXIST)) {
    return false;
  }
  return write_file(inner + "/cgroup.procs", "0") &&
         write_file(own + "/cgroup.subtree_control", "+cpu");
}

// Groups of agents that are gone.
void remove_leftovers(const std::string& parent) {
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

bool works(const CpuOptions& options, CpuLimit::Method method, const std::string& parent) {
  CpuLimit trial(options, method, parent);
  const bool made = trial.make_group(0).has_value();
  trial.remove_group(0);
  return made;
}

}  // namespace

CpuLimit::CpuLimit(CpuOptions options, Method method, std::string parent)
    : options_(std::move(options)), method_(method), parent_(std::move(parent)) {}

CpuLimit CpuLimit::detect(const CpuOptions& options) {
  if (options.share >= 1) {
    return {options, Method::kNone, ""};
  }
  const auto mount2 = mount_point("cgroup2", "");
  const auto path2 = own_path("");
  if (mount2 && path2) {
    const std::string own = own_directory(*mount2, *path2);
    if (enable_cpu_below(own) && works(options, Method::kCgroup2, own)) {
      remove_leftovers(own);
      return {options, Method::kCgroup2, own};
    }
  }
  const auto mount1 = mount_point("cgroup", "cpu");
  const auto path1 = own_path("cpu");
  if (mount1 && path1) {
    const std::string own = own_directory(*mount1, *path1);
    if (works(options, Method::kCgroup1, own)) {
      remove_leftovers(own);
      return {options, Method::kCgroup1, own};
    }
  }
  return {options, Method::kSigstop, ""};
}

std::string_view CpuLimit::method_name() const {
  switch (method_) {
    case Method::kNone:
      return "none";
    case Method::kCgroup2:
      return "cgroup2";
    case Method::kCgroup1:
      return "cgroup1";
    case Method::kSigstop:
      return "sigstop";
  }
  return "none";
}

std::string CpuLimit::group_path(std::uint64_t runner) const {
  return fmt::format("{}/{}{}-{}", parent_, kPrefix, ::getpid(), runner);
}

Result<std::string> CpuLimit::make_group(std::uint64_t runner) {
  if (method_ != Method::kCgroup2 && method_ != Method::kCgroup1) {
    return std::string();
  }
  const std::string group = group_path(runner);
  const double quota_us = quota() * static_cast<double>(kPeriodUs);
  const std::int64_t period_us =
      quota_us < static_cast<double>(kLeastQuotaUs) ? kLongPeriodUs : kPeriodUs;
  const std::int64_t allowed_us = std::max(std::llround(quota() * static_cast<double>(period_us)),
                                           static_cast<long long>(kLeastQuotaUs));
  bool limited = ::mkdir(group.c_str(), 0755) == 0 || errno == EEXIST;
  if (method_ == Method::kCgroup2) {
    limited =
        limited && write_file(group + "/cpu.max", fmt::format("{} {}", allowed_us, period_us));
  } else {
    limited = limited && write_file(group + "/cpu.cfs_period_us", fmt::format("{}", period_us)) &&
              write_file(group + "/cpu.cfs_quota_us", fmt::format("{}", allowed_us));
  }
  if (!limited) {
    return fail(ErrorCode::kIo,
                fmt::format("cannot limit the control group {}: {}", group, std::strerror(errno)));
  }
  return group + "/cgroup.procs";
}

void CpuLimit::remove_group(std::uint64_t runner) {
  if (method_ == Method::kCgroup2 || method_ == Method::kCgroup1) {
    ::rmdir(group_path(runner).c_str());
  }
}

bool DutyCycle::must_stop(Instant now, Duration used) {
  const double earned_us = quota_ * static_cast<double>((now - last_).count());
  const double spent_us = static_cast<double>((used - last_used_).count());
  credit_us_ = std::min(credit_us_ + earned_us - spent_us, kMostCreditUs);
  last_ = now;
  last_used_ = used;
  return credit_us_ < 0;
}

}  // namespace skerry::agent
