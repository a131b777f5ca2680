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
#include "controller/api/json_reader.h"
#include "controller/api/manifest_cache.h"
#include "controller/blobs/blob_dir.h"

namespace skerry::api {

constexpr Duration kLongestWait = seconds(300);
// Documents above this are read and written off the strand, so that nobody else waits for them.
constexpr std::size_t kLargeDocumentBytes = 128 * 1024;

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

// What a job of this namespace means by the name, from the cache or the core. kNotFound.
Task<Result<ManifestCache::Entry>> find_manifest(Call call, std::string ns, std::string model);

// The request's body; it must stay as it is while the document is used.
Task<Result<JsonDocument>> parse_body(Call call);

// The document is not needed any more, nor the body that it was read from: for handlers that go on
// to wait.
void drop_body(Call call, Result<JsonDocument> document);

// Lets go of blobs once the core has answered the request they were pinned for: those that nothing
// refers to (the request was refused, or replayed, or its job has ended already) are removed, unless
// they were there before.
Task<void> settle_blobs(Call call, std::vector<blobs::BlobPin> pins);

// The outputs of a job that succeeded, as the core, the blob directory or the store holds them.
// kNotFound, kCorrupt.
Task<Result<Values>> read_outputs(Call call, JobId id, core::TaskResult result);
std::string etag_of(const core::Job& job);  // in quotes
// A job as the answer to a request for it, with its outputs and its ETag; or a problem.
Task<Response> job_response(Call call, core::Job job,
                            std::optional<scheduler::MaskCounts> waiting_for);

}  // namespace skerry::api
