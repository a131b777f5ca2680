// model_source.h: what the hub asks about models while it writes an assignment or a probe. Given by
// the daemon's main.
//
// Asked on the core's strand only, inside Hub::send; answers must come at once, from memory.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace skerry::hub {

struct Artifact {
  std::string digest;  // empty for engines without one
  std::uint64_t bytes = 0;
};

class ModelSource {
 public:
  virtual ~ModelSource() = default;
  // The manifest as JSON; null if that revision is gone, which the agent then finds out.
  virtual std::shared_ptr<const std::string> manifest_json(std::string_view model,
                                                           std::uint64_t revision) = 0;
  // Of a variant of that revision; empty if it is gone.
  virtual Artifact artifact(std::string_view model, std::uint64_t revision,
                            std::string_view variant) = 0;
};

}  // namespace skerry::hub
