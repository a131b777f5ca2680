#include "agent/manifests.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>

namespace skerry::agent {

Status check_artifact(const ModelManifest& manifest, const std::string& variant,
                      const std::string& artifact, const ModelTrust& trust) {
  const auto spec = std::ranges::find(manifest.variants, variant, &VariantSpec::name);
  if (spec != manifest.variants.end() && spec->digest != artifact) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("variant '{}' of model '{}' is {}, and {} was to be loaded", variant,
                            manifest.name, spec->digest, artifact));
  }
  return check_signature(manifest, variant, trust);
}

Result<ManifestPtr> Manifests::resolve(const std::string& model, std::uint64_t revision,
                                       const std::string& json) {
  const auto known = newest_.find(model);
  if (known != newest_.end() && known->second->revision == revision) {
    return known->second;
  }
  if (json.empty()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("revision {} of model '{}' was never sent here", revision, model));
  }
  boost::system::error_code wrong;
  const boost::json::value parsed = boost::json::parse(json, wrong);
  if (wrong) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the manifest of model '{}' is no JSON: {}", model, wrong.message()));
  }
  Result<ModelManifest> manifest = manifest_from_json(parsed);
  if (!manifest) {
    return fail(std::move(manifest).error());
  }
  if (manifest->name != model) {  // a journal names attempts' manifests by their own name
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("what was sent as the manifest of model '{}' is that of '{}'", model,
                            manifest->name));
  }
  auto made = std::make_shared<KnownManifest>(
      KnownManifest{.manifest = *std::move(manifest), .json = json, .revision = revision});
  newest_[model] = made;
  return made;
}

}  // namespace skerry::agent
