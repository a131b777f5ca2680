// core_models.h: answers the hub's questions about models from the core. On the core's strand, like
// everything that asks.

#pragma once

#include "controller/core/core.h"
#include "controller/hub/model_source.h"

namespace skerry::controller {

class CoreModels final : public hub::ModelSource {
 public:
  explicit CoreModels(const core::Core& core) : core_(core) {}

  std::shared_ptr<const std::string> manifest_json(std::string_view model,
                                                   std::uint64_t revision) override;
  hub::Artifact artifact(std::string_view model, std::uint64_t revision,
                         std::string_view variant) override;

 private:
  struct Cached {
    std::uint64_t revision = 0;
    std::shared_ptr<const std::string> json;
  };

  const core::Core& core_;
  std::map<std::string, Cached, std::less<>>
      cache_;  // of the newest revision asked for; one entry a model
};

}  // namespace skerry::controller
