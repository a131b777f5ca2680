// access_json.h: tokens, grants and callers as JSON, and back.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/json_fields.h"
#include "common/time.h"
#include "controller/api/json_writer.h"
#include "controller/core/access.h"

namespace skerry::api {

// {"role": "submitter", "namespace": "vision"}; no namespace = all of them.
void write_grants(JsonWriter& json, std::span<const core::Grant> grants);
std::vector<core::Grant> read_grants(JsonFields& fields);

// Without secrets.
void write_token(JsonWriter& json, const core::Token& token);
void write_join_token(JsonWriter& json, const core::JoinToken& token, Instant now);

// "ttl_s": how long something is good for, from `now`.
Instant read_expiry(JsonFields& fields, Instant now, Duration usual, Duration longest);

}  // namespace skerry::api
