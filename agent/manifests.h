// manifests.h: the manifests that the controller has sent, by model; sent once per revision and
// referred to afterwards.
//
// A manifest stays alive as long as an attempt holds it, whatever newer revision arrives.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "common/error.h"
#include "common/manifest.h"
#include "common/model_trust.h"

namespace skerry::agent {

struct KnownManifest {
  ModelManifest manifest;
  std::string json;
  std::uint64_t revision = 0;
};
using ManifestPtr = std::shared_ptr<const KnownManifest>;

// Whether an artifact is what the manifest says the variant is, and is signed as this node asks; the
// controller that sent both is not believed. kInvalidArgument, kPermissionDenied.
Status check_artifact(const ModelManifest& manifest, const std::string& variant,
                      const std::string& artifact, const ModelTrust& trust);

class Manifests {
 public:
  // The manifest of a revision: parsed from json, or, if that is empty, as sent before.
  // kInvalidArgument if it does not parse or is another model's, kNotFound if it was never sent.
  Result<ManifestPtr> resolve(const std::string& model, std::uint64_t revision,
                              const std::string& json);

 private:
  std::map<std::string, ManifestPtr> newest_;
};

}  // namespace skerry::agent
