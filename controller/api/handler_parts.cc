#include "controller/api/handler_parts.h"

#include <fmt/format.h>

#include <charconv>

#include "controller/api/job_json.h"
#include "controller/api/problem.h"
#include "controller/core/unknown.h"

namespace skerry::api {

namespace {

Result<std::optional<Duration>> parse_wait(std::string_view text) {
  double wait_s = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), wait_s);
  if (error != std::errc() || end != text.data() + text.size() ||
      !(wait_s > 0 && wait_s <= to_seconds(kLongestWait))) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("wait={}: must be seconds, more than 0 and at most {}",
                            text.substr(0, 40), to_seconds(kLongestWait)));
  }
  return duration_from_seconds(wait_s);
}

}  // namespace

Response json_response(int status, std::string body) {
  return {.status = status, .body = std::move(body)};
}

Response changed_response(const Result<core::Reply>& reply) {
  if (!reply) {
    return problem(reply.error());
  }
  const auto* changed = std::get_if<core::Changed>(&*reply);
  if (changed == nullptr) {
    return problem(Error{ErrorCode::kInternal, "the core answered a change with something else"});
  }
  return json_response(200, changed->changed ? R"({"changed":true})" : R"({"changed":false})");
}

Result<std::optional<Duration>> preferred_wait(const Request& request) {
  std::string_view rest = request.header("Prefer");
  while (!rest.empty()) {
    const auto end = rest.find_first_of(",;");
    std::string_view preference = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    preference.remove_prefix(std::min(preference.find_first_not_of(' '), preference.size()));
    preference = preference.substr(0, preference.find_last_not_of(' ') + 1);
    if (preference.starts_with("wait=")) {
      return parse_wait(preference.substr(5));
    }
  }
  return std::nullopt;
}

Result<std::optional<Duration>> queried_wait(const Request& request) {
  const auto text = request.query_value("wait");
  return text ? parse_wait(*text) : std::optional<Duration>();
}

Result<std::int64_t> query_integer(const Request& request, std::string_view name,
                                   std::int64_t fallback, std::int64_t lowest,
                                   std::int64_t highest) {
  const auto text = request.query_value(name);
  if (!text) {
    return fallback;
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size() || number < lowest ||
      number > highest) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}={}: must be a whole number from {} to {}", name,
                            text->substr(0, 40), lowest, highest));
  }
  return number;
}

Result<JobId> job_id_of(const Request& request) { return parse_job_id(request.param("id")); }

Task<Result<ManifestCache::Entry>> find_manifest(Call call, std::string ns, std::string model) {
  if (auto known = call->manifests.find(ns, model)) {
    co_return known;
  }
  const std::uint64_t generation = call->manifests.generation();
  auto found =
      co_await inspect(call, [ns, model](const core::Core& core, Instant) -> ManifestCache::Entry {
        const ModelManifest* manifest = core.manifest_for(ns, model);
        return manifest == nullptr ? nullptr : std::make_shared<const ModelManifest>(*manifest);
      });
  if (!found) {
    co_return fail(found.error());
  }
  if (*found == nullptr) {
    co_return fail(core::unknown_model(model, "/model"));
  }
  call->manifests.put(ns, model, *found, generation);
  co_return std::move(*found);
}

Task<Result<JsonDocument>> parse_body(Call call) {
  const std::string& body = call.request().body;
  if (body.size() <= kLargeDocumentBytes) {
    co_return JsonDocument::parse(body, call->documents);
  }
  co_return co_await off_strand(
      call, [call, &body] { return JsonDocument::parse(body, call->documents); });
}

void drop_body(Call call, Result<JsonDocument> document) {
  const Result<JsonDocument> ends_here = std::move(document);
  call.exchange->drop_body();
}

Task<void> settle_blobs(Call call, std::vector<blobs::BlobPin> pins) {
  for (blobs::BlobPin& pin : pins) {
    const auto used =
        co_await inspect(call, [digest = pin.digest()](const core::Core& core, Instant) {
          return core.blob_in_use(digest);
        });
    if (used && !*used) {
      co_await off_strand(call, [&pin]() -> Result<bool> {
        pin.discard();
        return true;
      });
    }
  }
}

Task<Result<Values>> read_outputs(Call call, JobId id, core::TaskResult result) {
  if (result.output.empty()) {
    auto stored = co_await off_strand(call, [call, id] { return call->archive.result(id); });
    if (!stored) {
      co_return fail(stored.error());
    }
    result = std::move(stored->result);
  }
  if (result.output.bytes) {
    co_return decode_values(*result.output.bytes);
  }
  co_return co_await off_strand(call, [call, digest = result.output.blob]() -> Result<Values> {
    const auto bytes = call->blobs.read_all(digest);
    return bytes ? decode_values(*bytes) : fail(bytes.error());
  });
}

std::string etag_of(const core::Job& job) {
  return fmt::format("\"{}-{}\"", job.epoch.value, job.version);
}

Task<Response> job_response(Call call, core::Job job,
                            std::optional<scheduler::MaskCounts> waiting_for) {
  const bool succeeded = job.state == core::TaskState::kSucceeded;
  Values outputs;
  if (succeeded) {
    auto read = co_await read_outputs(call, job.id, *job.result);
    if (!read) {
      co_return problem(read.error());
    }
    outputs = std::move(*read);
  }
  const auto write = [&]() -> Result<std::string> {
    JsonWriter json;
    write_job(json, job, {.waiting_for = waiting_for, .outputs = succeeded ? &outputs : nullptr});
    return json.take();
  };
  const bool large = succeeded && job.result->output.size_bytes > kLargeDocumentBytes;
  auto body = large ? co_await off_strand(call, write) : write();
  if (!body) {
    co_return problem(body.error());
  }
  Response response = json_response(200, std::move(*body));
  response.headers.emplace_back("ETag", etag_of(job));
  co_return response;
}

}  // namespace skerry::api
