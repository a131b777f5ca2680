// control_groups.h: the kernel's control groups below this agent's own: where groups of runners can be made, and the names
// that they have there. What limits processor time (cpu_limit.h) and what limits memory and tasks (runner_groups.h) meet
// here: with version 2 a runner's group is one directory for both.
//
// Blocking, but only on the kernel's own file systems.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace skerry::agent {

struct GroupParent {
  int version = 2;
  std::string path;
};

// The agent's own group in the hierarchy of version 2, with the controllers switched on for the groups below it; or nothing
// if that is not mounted, not ours to write, or lacks one. controllers: "cpu", "memory pids".
std::optional<GroupParent> group_parent_v2(std::string_view controllers);
// The same with version 1, where each controller has a hierarchy and nothing has to be switched on.
std::optional<GroupParent> group_parent_v1(std::string_view controller);

// Of a runner of this process.
std::string runner_group(const std::string& parent, std::uint64_t runner);

// Writes one of the kernel's files; false with errno.
bool write_control(const std::string& path, const std::string& text);

// Removes the empty groups of agents that are gone.
void remove_leftover_groups(const std::string& parent);

}  // namespace skerry::agent
