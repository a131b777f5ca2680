// layers.h: the layers of a runner's sandbox, as the agent's settings, the agent and the runner name them.
//
//   user      another user than the agent's: one of a range if the agent is root, a user namespace otherwise
//   mount     a root of its own that holds the runner's libraries, read-only, a scratch space, and nothing else
//   pid       a pid namespace: it sees and reaches no other process, and what it starts dies with it
//   network   a network namespace with nothing in it
//   ipc       no System V memory, semaphores or message queues of others, and a host name of its own
//   seccomp   only the system calls that a model needs
//   landlock  only the files that the runner needs, and no network, by the kernel's Landlock
//   limits    processes, descriptors, file sizes, address space and locked memory, by rlimits
//   cgroup    memory and tasks by a control group; the agent's doing, the runner only lives in it
//
// What needs no permission is no layer, and always there: sandbox.h. Pure values; any thread.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace skerry::runner {

enum class Layer : std::uint8_t {
  kUser,
  kMount,
  kPid,
  kNetwork,
  kIpc,
  kSeccomp,
  kLandlock,
  kLimits,
  kCgroup,
};
constexpr std::array kLayers = {Layer::kUser,     Layer::kMount,  Layer::kPid,
                                Layer::kNetwork,  Layer::kIpc,    Layer::kSeccomp,
                                Layer::kLandlock, Layer::kLimits, Layer::kCgroup};
using Layers = std::set<Layer>;

// A layer that was asked for, and whether it is there.
struct LayerState {
  Layer layer = Layer::kUser;
  std::string missing;  // why it is not; empty: it is there

  bool operator==(const LayerState&) const = default;
};

std::string_view to_string(Layer layer);
std::optional<Layer> layer_named(std::string_view name);

// "user,mount,pid"; "none" if there is none. The other way: nothing if a name is unknown.
std::string to_string(const Layers& layers);
std::optional<Layers> layers_named(std::string_view names);

// "user yes, mount no (Operation not permitted)".
std::string to_string(const std::vector<LayerState>& states);

}  // namespace skerry::runner
