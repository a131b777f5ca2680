// trust_config.h: reads the section `model_signing` of a daemon's configuration:
//
//   model_signing:
//     required: true
//     keys:
//       - {id: release-2024, public_key: "base64...", namespaces: [vision, default]}
//
// A key without `namespaces` counts for all of them.

#pragma once

#include "common/config.h"
#include "common/model_trust.h"

namespace skerry {

// `required_with_keys`: what `required` falls back to where keys are given; without keys it is false.
ModelTrust read_model_signing(ConfigFields fields, bool required_with_keys);

}  // namespace skerry
