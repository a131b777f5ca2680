// handler_parts.h: what several handlers do alike.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "common/payload.h"
#include "common/values.h"
#include "controller/api/call.h"
#include "controller/api/job_request.h"
#include "controller/api/manifest_cache.h"

namespace skerry::api {

constexpr Duration kLongestWait = seconds(300);

// {"changed": …}, or the error as a problem.
Response changed_response(const Result<core::Reply>& reply);
Response json_response(int status, std::string body);

// "Prefer: wait=5" and "?wait=5": seconds, up to 300; nullopt if absent.
Result<std::optional<Duration>> preferred_wait(const Request& request);
Result<std::optional<Duration>> queried_wait(const Request& request);
Result<std::int64_t> query_integer(const Request& request, std::string_view name,
                                   std::int64_t fallback, std::int64_t lowest,
                                   std::int64_t highest);
Result<JobId> job_id_of(const Request& request);

// From the cache or the core. kNotFound.
Task<Result<ManifestCache::Entry>> find_manifest(Call call, std::string model);

// The values of a payload, wherever its bytes lie. kNotFound, kCorrupt.
Task<Result<Values>> read_payload(Call call, Payload payload);
// What a job that succeeded put out, read from the store if the core does not hold it any more.
Task<Result<Values>> read_outputs(Call call, JobId id, core::TaskResult result);

}  // namespace skerry::api
