// model_trust.h: whose signatures on models count, and for which namespaces.
//
// Held by a controller, which asks when a model is applied, and by an agent whose site pins keys of its own,
// which asks before anything of a model is loaded: whoever has taken the controller over still cannot make
// that site run what the holders of those keys did not sign. A signature binds a variant's digest, its name,
// the model's name and the namespace (signing.h), so that none can stand for another.
//
// Immutable after construction; call from anywhere.

#pragma once

#include <string>
#include <vector>

#include "common/error.h"
#include "common/manifest.h"
#include "common/signing.h"

namespace skerry {

struct TrustedKey {
  std::string id;  // what `signed_by` says
  PublicKey key;
  std::vector<std::string> namespaces;  // "*" = all
};

struct ModelTrust {
  bool required = false;  // a variant without a signature is refused
  std::vector<TrustedKey> keys;

  // Nothing is asked of anybody.
  bool empty() const { return !required && keys.empty(); }
};

// What is wrong with the signatures of a manifest's variants, by JSON pointer ("/spec/variants/0/signature");
// empty if nothing is. A variant without an artifact needs none.
std::vector<FieldIssue> check_signatures(const ModelManifest& manifest, const ModelTrust& trust);

// The same for one variant, by name; kPermissionDenied with a sentence.
Status check_signature(const ModelManifest& manifest, const std::string& variant,
                       const ModelTrust& trust);

ModelStatement statement_of(const ModelManifest& manifest, const VariantSpec& variant);

}  // namespace skerry
