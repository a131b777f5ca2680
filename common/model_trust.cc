#include "common/model_trust.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/ids.h"

namespace skerry {

namespace {

struct Complaint {
  std::string field;  // of the variant
  std::string message;
};

std::optional<Complaint> complaint_about(const ModelManifest& manifest, const VariantSpec& variant,
                                         const ModelTrust& trust) {
  if (trust.empty() || variant.digest.empty()) {
    return std::nullopt;
  }
  if (variant.signature.empty()) {
    return trust.required
               ? std::optional(Complaint{
                     "signature",
                     "is missing: models must be signed here; skerryctl model sign does it"})
               : std::nullopt;
  }
  const auto key = std::ranges::find(trust.keys, variant.signed_by, &TrustedKey::id);
  if (key == trust.keys.end()) {
    return Complaint{"signed_by", fmt::format("'{}' is none of the keys that are trusted here "
                                              "(model_signing.keys)",
                                              variant.signed_by)};
  }
  const std::string_view space = namespace_of_model(manifest.name);
  const auto covers = [space](const std::string& ns) { return ns == "*" || ns == space; };
  if (std::ranges::none_of(key->namespaces, covers)) {
    return Complaint{"signed_by",
                     fmt::format("the key '{}' does not count for {}", key->id,
                                 space.empty() ? "models of all namespaces"
                                               : fmt::format("namespace '{}'", space))};
  }
  if (!key->key.verifies(to_signed_text(statement_of(manifest, variant)), variant.signature)) {
    return Complaint{"signature",
                     fmt::format("is not that of key '{}' on variant '{}' of model '{}' with {}",
                                 key->id, variant.name, manifest.name, variant.digest)};
  }
  return std::nullopt;
}

}  // namespace

ModelStatement statement_of(const ModelManifest& manifest, const VariantSpec& variant) {
  return {.digest = variant.digest,
          .model = std::string(bare_model_name(manifest.name)),
          .variant = variant.name,
          .ns = std::string(namespace_of_model(manifest.name))};
}

std::vector<FieldIssue> check_signatures(const ModelManifest& manifest, const ModelTrust& trust) {
  std::vector<FieldIssue> issues;
  for (std::size_t i = 0; i < manifest.variants.size(); ++i) {
    if (const auto wrong = complaint_about(manifest, manifest.variants[i], trust)) {
      issues.push_back({.field = fmt::format("/spec/variants/{}/{}", i, wrong->field),
                        .message = wrong->message});
    }
  }
  return issues;
}

Status check_signature(const ModelManifest& manifest, const std::string& variant,
                       const ModelTrust& trust) {
  const auto found = std::ranges::find(manifest.variants, variant, &VariantSpec::name);
  if (found == manifest.variants.end()) {
    return {};
  }
  const auto wrong = complaint_about(manifest, *found, trust);
  if (!wrong) {
    return {};
  }
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("variant '{}' of model '{}': {} {}", variant, manifest.name, wrong->field,
                          wrong->message));
}

}  // namespace skerry
