#include "common/trust_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/ids.h"

namespace skerry {

ModelTrust read_model_signing(ConfigFields fields, bool required_with_keys) {
  ModelTrust trust;
  for (ConfigFields entry : fields.sections("keys")) {
    const std::string id = entry.required_text("id");
    const std::string text = entry.required_text("public_key");
    const std::vector<std::string> namespaces = entry.texts("namespaces", {"*"});
    for (const std::string& ns : namespaces) {
      if (const Status valid = validate_name("namespace", ns); ns != "*" && !valid) {
        entry.issue("namespaces", valid.error().message);
      }
    }
    if (const Status valid = validate_name("key id", id); !id.empty() && !valid) {
      entry.issue("id", valid.error().message);
    }
    if (std::ranges::find(trust.keys, id, &TrustedKey::id) != trust.keys.end()) {
      entry.issue("id", fmt::format("'{}' is there twice", id));
    }
    auto key = PublicKey::parse(text);
    if (key) {
      trust.keys.push_back({.id = id, .key = *std::move(key), .namespaces = namespaces});
    } else if (!text.empty()) {
      entry.issue("public_key", key.error().message);
    }
  }
  trust.required = fields.boolean("required", required_with_keys && !trust.keys.empty());
  if (trust.required && trust.keys.empty()) {
    fields.issue("required",
                 "asks for signatures, but there are no keys that could have made them");
  }
  return trust;
}

}  // namespace skerry
