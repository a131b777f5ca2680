// policy_json.h: policies and shadows as JSON, as docs/policies.md shows them.

#pragma once

#include "controller/api/json_writer.h"
#include "controller/core/core.h"

namespace skerry::api {

// The list, with what is active and its breaker; without bundles' contents.
void write_policies(JsonWriter& json, const core::PoliciesView& policies);

// The members of one policy, into an open object.
void write_policy_members(JsonWriter& json, const core::PolicyView& policy);

// What a bundle says of itself, into an open object: kind of problem, features, layers, training,
// card; and the bundle as it was sent, if asked for. It is parsed for that, which takes a while.
void write_bundle_members(JsonWriter& json, std::string_view bundle, bool whole);

}  // namespace skerry::api
