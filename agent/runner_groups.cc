#include "agent/runner_groups.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace skerry::agent {
namespace {

// The kernel's own of a process, and the pages of its libraries that it has just read.
constexpr std::uint64_t kSlackBytes = 64u << 20;
constexpr std::uint64_t kTrialBytes = 64u << 20;
constexpr std::uint32_t kTrialTasks = 8;

// False with errno; a file that this kernel does not have is nothing to fail for.
bool write_if_there(const std::string& path, const std::string& text) {
  return !std::filesystem::exists(path) || write_control(path, text);
}

bool bound_v2(const std::string& group, const std::string& memory, std::uint32_t tasks) {
  return write_control(group + "/memory.max", memory) &&
         write_control(group + "/pids.max", fmt::format("{}", tasks)) &&
         write_if_there(group + "/memory.swap.max", "0") &&
         write_if_there(group + "/memory.oom.group", "1");
}

// Of one of the two hierarchies: the file that is there tells which.
bool bound_v1(const std::string& group, const std::string& memory, std::uint32_t tasks) {
  if (std::filesystem::exists(group + "/pids.max")) {
    return write_control(group + "/pids.max", fmt::format("{}", tasks));
  }
  const std::string limit = memory == "max" ? "-1" : memory;
  return write_control(group + "/memory.limit_in_bytes", limit) &&
         write_if_there(group + "/memory.memsw.limit_in_bytes", limit);
}

bool works(const RunnerGroups& groups, std::string& why) {
  const auto made = groups.make(0, kTrialBytes, kTrialTasks);
  groups.remove(0);
  why = made ? "" : made.error().message;
  return made.has_value();
}

}  // namespace

Result<RunnerGroups> RunnerGroups::detect() {
  std::string why = "neither version of control groups is ours to write with memory and pids";
  if (const auto two = group_parent_v2("memory pids")) {
    RunnerGroups groups({*two});
    if (works(groups, why)) {
      remove_leftover_groups(two->path);
      return groups;
    }
  }
  const auto memory = group_parent_v1("memory");
  const auto pids = group_parent_v1("pids");
  if (memory && pids) {
    RunnerGroups groups({*memory, *pids});
    if (works(groups, why)) {
      remove_leftover_groups(memory->path);
      remove_leftover_groups(pids->path);
      return groups;
    }
  }
  return fail(ErrorCode::kUnsupported, why);
}

Result<std::vector<std::string>> RunnerGroups::make(std::uint64_t runner,
                                                    std::uint64_t memory_bytes,
                                                    std::uint32_t tasks) const {
  const std::string memory =
      memory_bytes == 0 ? "max" : fmt::format("{}", memory_bytes + kSlackBytes);
  std::vector<std::string> procs;
  for (const GroupParent& parent : parents_) {
    const std::string group = runner_group(parent.path, runner);
    const bool bounded =
        (::mkdir(group.c_str(), 0755) == 0 || errno == EEXIST) &&
        (parent.version == 2 ? bound_v2(group, memory, tasks) : bound_v1(group, memory, tasks));
    if (!bounded) {
      const int error = errno;
      remove(runner);
      return fail(ErrorCode::kIo, fmt::format("cannot bound the control group {}: {}", group,
                                              std::strerror(error)));
    }
    procs.push_back(group + "/cgroup.procs");
  }
  return procs;
}

void RunnerGroups::remove(std::uint64_t runner) const {
  for (const GroupParent& parent : parents_) {
    ::rmdir(runner_group(parent.path, runner).c_str());
  }
}

}  // namespace skerry::agent
