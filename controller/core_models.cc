#include "controller/core_models.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

namespace skerry::controller {

std::shared_ptr<const std::string> CoreModels::manifest_json(std::string_view model,
                                                             std::uint64_t revision) {
  const ModelManifest* manifest = core_.manifest(model, revision);
  if (manifest == nullptr) {
    return nullptr;
  }
  Cached& cached = cache_.try_emplace(std::string(model)).first->second;
  if (!cached.json || cached.revision != revision) {
    cached = {revision, std::make_shared<const std::string>(
                            boost::json::serialize(manifest_to_json(*manifest)))};
  }
  return cached.json;
}

hub::Artifact CoreModels::artifact(std::string_view model, std::uint64_t revision,
                                   std::string_view variant) {
  const ModelManifest* manifest = core_.manifest(model, revision);
  if (manifest == nullptr) {
    return {};
  }
  const auto it = std::ranges::find(manifest->variants, variant, &VariantSpec::name);
  return it == manifest->variants.end() ? hub::Artifact{}
                                        : hub::Artifact{it->digest, it->artifact_bytes};
}

}  // namespace skerry::controller
