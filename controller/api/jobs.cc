// jobs.cc: submitting jobs, one or many, waiting for them, cancelling them.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "common/digest.h"
#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/job_json.h"
#include "controller/api/json_reader.h"
#include "controller/api/problem.h"
#include "controller/api/values_json.h"

namespace skerry::api {

namespace {

constexpr std::size_t kMostBatchJobs = 1000;
constexpr std::size_t kIdempotencyKeyBytes = 255;

// Jobs ready to be submitted, and the blobs written for them, which stay pinned until the core
// knows of them.
struct Prepared {
  std::vector<core::JobSpec> jobs;
  std::vector<blobs::BlobPin> pins;
};

// The encoded inputs of each request; what is wrong with them is added to the issues. Where that says
// enough, the rest is left out: a request without inputs takes exception to each that its model has.
std::vector<std::string> read_all_inputs(const std::vector<JobRequest>& requests,
                                         const std::vector<ManifestCache::Entry>& manifests,
                                         std::vector<FieldIssue>& issues) {
  std::vector<std::string> inputs;
  for (std::size_t i = 0; i < requests.size() && issues.size() < kEnoughIssues; ++i) {
    inputs.push_back(encode_values(
        read_inputs(requests[i].inputs, *manifests[i], requests[i].pointer + "/inputs", issues)));
  }
  return inputs;
}

Task<Result<std::vector<ManifestCache::Entry>>> find_manifests(
    Call call, const std::vector<JobRequest>* requests) {
  std::vector<ManifestCache::Entry> manifests;
  for (const JobRequest& request : *requests) {
    auto manifest = co_await find_manifest(call, request.spec.ns, request.spec.model);
    if (!manifest) {
      Error error = manifest.error();
      for (FieldIssue& issue : error.fields) {
        issue.field.insert(0, request.pointer);
      }
      co_return fail(std::move(error));
    }
    manifests.push_back(std::move(*manifest));
  }
  co_return manifests;
}

Status check_namespace(const Call& call, const std::string& ns) {
  if (may(call, auth::Permission::kSubmitJobs, ns)) {
    return {};
  }
  std::string message =
      fmt::format("{} may not submit jobs in namespace '{}'", call.request().caller.id, ns);
  note_denied(*call.services, call.request(), "job.submit", {}, ns, message);
  return fail(ErrorCode::kPermissionDenied, std::move(message), {{"/namespace", "is not yours"}});
}

// `requests` point into a document that the caller keeps.
Task<Result<Prepared>> prepare(Call call, std::vector<JobRequest> requests,
                               std::vector<FieldIssue> issues) {
  if (const Status valid = to_status(issues); !valid) {
    co_return fail(valid.error());
  }
  if (const Status allowed = check_namespace(call, requests.front().spec.ns); !allowed) {
    co_return fail(allowed.error());
  }
  const auto manifests = co_await find_manifests(call, &requests);
  if (!manifests) {
    co_return fail(manifests.error());
  }
  const auto read = [&]() -> Result<std::vector<std::string>> {
    return read_all_inputs(requests, *manifests, issues);
  };
  const bool large = call.request().body.size() > kLargeDocumentBytes;
  auto inputs = large ? co_await off_strand(call, read) : read();
  if (!inputs) {
    co_return fail(inputs.error());
  }
  if (const Status valid = to_status(std::move(issues)); !valid) {
    co_return fail(valid.error());
  }
  Prepared prepared;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    core::JobSpec spec = std::move(requests[i].spec);
    std::string encoded = std::move((*inputs)[i]);
    if (encoded.size() <= kInlineLimitBytes) {
      spec.inputs = Payload::inlined(std::move(encoded));
    } else {
      if (const Status space = call->gateway.has_space(); !space) {
        co_return fail(space.error());
      }
      auto pin = co_await off_strand(call, [call, &encoded] { return call->blobs.put(encoded); });
      if (!pin) {
        co_return fail(pin.error());
      }
      spec.inputs = Payload::stored(pin->digest(), pin->size_bytes());
      prepared.pins.push_back(std::move(*pin));
    }
    prepared.jobs.push_back(std::move(spec));
  }
  co_return prepared;
}

Result<std::optional<core::IdempotencyKey>> idempotency_of(const Request& request) {
  if (!request.has_header("Idempotency-Key")) {
    return std::nullopt;
  }
  const std::string_view key = request.header("Idempotency-Key");
  if (key.empty() || key.size() > kIdempotencyKeyBytes) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the Idempotency-Key must have 1 to {} bytes", kIdempotencyKeyBytes));
  }
  Sha256 digest;
  digest.update(std::string_view(to_string(request.verb)));
  digest.update(request.path);
  digest.update("\n");
  digest.update(request.body);
  return core::IdempotencyKey{.key = std::string(key), .request_digest = digest.finish()};
}

Task<Response> finished_response(Call call, core::Job job) {
  if (job.state != core::TaskState::kSucceeded && job.spec.durability == core::Durability::kNone) {
    co_return problem(
        job.result->error.value_or(Error{ErrorCode::kInternal, "the job ended without a reason"}));
  }
  co_return co_await job_response(call, std::move(job), std::nullopt);
}

// 202. A job that was only just accepted is READY; for others the core is asked.
Task<Response> submitted_response(Call call, JobId id, bool fresh) {
  std::string state = "READY";
  if (!fresh) {
    const auto now = co_await inspect(call, [id](const core::Core& core, Instant) {
      const core::Job* job = core.find_job(id);
      return job == nullptr ? std::string() : std::string(to_string(job->state));
    });
    state = now.value_or("");
  }
  const std::string text = to_string(id);
  Response response = json_response(202, {});
  response.body = state.empty() ? fmt::format(R"({{"id":"{}"}})", text)
                                : fmt::format(R"({{"id":"{}","state":"{}"}})", text, state);
  response.headers.emplace_back("Location", "/api/v1/jobs/" + text);
  co_return response;
}

Task<Response> submit(Call call, Prepared prepared, std::optional<core::IdempotencyKey> idempotency,
                      std::optional<Duration> wait) {
  core::Submit event{.ticket = core::kNoTicket,
                     .jobs = std::move(prepared.jobs),
                     .idempotency = std::move(idempotency),
                     .wait_until = {}};
  if (wait) {
    event.wait_until = call->clock.now() + *wait;
  }
  auto reply = wait ? co_await ask_while_connected(call, std::move(event))
                    : co_await ask(call, std::move(event));
  if (!prepared.pins.empty()) {
    co_await settle_blobs(call, std::move(prepared.pins));
  }
  if (!reply) {
    co_return problem(reply.error());
  }
  if (auto* finished = std::get_if<core::Finished>(&*reply)) {
    co_return co_await finished_response(call, std::move(finished->job));
  }
  const auto* submitted = std::get_if<core::Submitted>(&*reply);
  if (submitted == nullptr || submitted->jobs.empty()) {
    co_return problem(
        Error{ErrorCode::kInternal, "the core answered a submission with something else"});
  }
  co_return co_await submitted_response(call, submitted->jobs.front(),
                                        !submitted->replayed && !wait);
}

}  // namespace

Task<Response> submit_job(Call call) {
  const Request& request = call.request();
  auto wait = preferred_wait(request);
  auto idempotency = idempotency_of(request);
  auto document = co_await parse_body(call);
  if (!wait || !idempotency || !document) {
    co_return problem(!wait ? wait.error() : !idempotency ? idempotency.error() : document.error());
  }
  std::vector<FieldIssue> issues;
  std::vector<JobRequest> jobs;
  jobs.push_back(read_job(document->root(), JobPurpose::kSubmit, call->clock.now(), "", issues));
  if (jobs.front().spec.durability == core::Durability::kNone && !*wait) {
    issues.push_back(
        {.field = "/durability",
         .message = "none is for a caller that waits: send the header Prefer: wait=N"});
  }
  if (jobs.front().spec.durability == core::Durability::kNone && *idempotency) {
    issues.push_back({.field = "/durability",
                      .message = "none remembers nothing, so it takes no Idempotency-Key"});
  }
  auto prepared = co_await prepare(call, std::move(jobs), std::move(issues));
  if (!prepared) {
    co_return problem(prepared.error());
  }
  drop_body(call, std::move(document));
  co_return co_await submit(call, std::move(*prepared), std::move(*idempotency), *wait);
}

Task<Response> submit_batch(Call call) {
  const Request& request = call.request();
  auto idempotency = idempotency_of(request);
  const auto document = co_await parse_body(call);
  if (!idempotency || !document) {
    co_return problem(!idempotency ? idempotency.error() : document.error());
  }
  const Instant now = call->clock.now();
  std::vector<FieldIssue> issues;
  std::vector<JobRequest> jobs;
  JsonFields fields(&document->root(), "", issues);
  for (const auto* job : fields.elements("jobs", kMostBatchJobs)) {
    if (issues.size() >= kEnoughIssues) {
      break;
    }
    jobs.push_back(
        read_job(*job, JobPurpose::kSubmit, now, fmt::format("/jobs/{}", jobs.size()), issues));
    if (jobs.back().spec.durability == core::Durability::kNone) {
      issues.push_back({.field = jobs.back().pointer + "/durability",
                        .message = "none is not for batches, which nobody waits for"});
    }
    if (jobs.back().spec.ns != jobs.front().spec.ns) {
      issues.push_back({.field = jobs.back().pointer + "/namespace",
                        .message = "must be the same for all jobs of a batch"});
    }
  }
  fields.finish();
  if (jobs.empty() && issues.empty()) {
    issues.push_back({.field = "/jobs", .message = "must hold at least one job"});
  }
  auto prepared = co_await prepare(call, std::move(jobs), std::move(issues));
  if (!prepared) {
    co_return problem(prepared.error());
  }
  auto reply = co_await ask(call, core::Submit{.ticket = core::kNoTicket,
                                               .jobs = std::move(prepared->jobs),
                                               .idempotency = std::move(*idempotency),
                                               .wait_until = {}});
  if (!prepared->pins.empty()) {
    co_await settle_blobs(call, std::move(prepared->pins));
  }
  if (!reply) {
    co_return problem(reply.error());
  }
  const auto* submitted = std::get_if<core::Submitted>(&*reply);
  if (submitted == nullptr) {
    co_return problem(
        Error{ErrorCode::kInternal, "the core answered a submission with something else"});
  }
  JsonWriter json;
  json.object().key("ids").array();
  for (const JobId id : submitted->jobs) {
    json.value(to_string(id));
  }
  json.end().end();
  co_return json_response(202, json.take());
}

Task<Response> cancel_job(Call call) {
  const auto id = job_id_of(call.request());
  if (!id) {
    co_return problem(id.error());
  }
  co_return changed_response(co_await ask(
      call, core::CancelJob{.within = within(call, auth::Permission::kSubmitJobs), .job = *id}));
}

}  // namespace skerry::api
