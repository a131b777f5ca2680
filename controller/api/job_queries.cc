// job_queries.cc: what clients ask about jobs.

#include <fmt/format.h>

#include "controller/api/decision_json.h"
#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/job_json.h"
#include "controller/api/problem.h"
#include "controller/api/values_json.h"
#include "controller/core/unknown.h"

namespace skerry::api {

namespace {

struct FoundJob {
  core::Job job;
  std::optional<scheduler::MaskCounts> waiting_for;
};

Task<Result<FoundJob>> await_job(Call call, JobId id, Duration wait);

// The job as it stands. That it ended is told only when that is durable, which is what Await waits
// for; what a job that goes on is doing may change with a crash anyway.
Task<Result<FoundJob>> find_job(Call call, JobId id) {
  auto found = co_await inspect(call,
                                [id, within = within(call, auth::Permission::kReadJobs)](
                                    const core::Core& core, Instant) -> std::optional<FoundJob> {
                                  const core::Job* job = core.find_job(id);
                                  return job == nullptr || !within.holds(job->spec.ns)
                                             ? std::nullopt
                                             : std::optional(FoundJob{*job, core.waiting_for(id)});
                                });
  if (!found) {
    co_return fail(found.error());
  }
  if (!*found) {
    co_return fail(core::unknown_job(id));
  }
  if (is_terminal((*found)->job.state)) {
    co_return co_await await_job(call, id, Duration(0));
  }
  co_return std::move(**found);
}

Task<Result<FoundJob>> await_job(Call call, JobId id, Duration wait) {
  auto reply = co_await ask_while_connected(
      call, core::Await{.within = within(call, auth::Permission::kReadJobs),
                        .job = id,
                        .until = call->clock.now() + wait});
  if (!reply) {
    co_return fail(reply.error());
  }
  if (auto* finished = std::get_if<core::Finished>(&*reply)) {
    co_return FoundJob{std::move(finished->job), std::nullopt};
  }
  co_return co_await find_job(call, id);
}

Result<core::ListJobs> list_query_of(const Request& request) {
  core::ListJobs query;
  query.filter.ns = request.query_value("namespace").value_or("");
  query.filter.model = request.query_value("model").value_or("");
  if (const auto state = request.query_value("state")) {
    query.filter.state = core::parse_task_state(*state);
    if (!query.filter.state) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("state={}: must be one of READY, LEASED, RUNNING, BACKOFF, UNKNOWN, "
                              "SUCCEEDED, FAILED, CANCELLED, "
                              "EXPIRED, QUARANTINED, MOVED",
                              state->substr(0, 40)));
    }
  }
  const auto limit = query_integer(request, "limit", 100, 1, 1000);
  if (!limit) {
    return fail(limit.error());
  }
  query.limit = static_cast<std::size_t>(*limit);
  if (const auto cursor = request.query_value("cursor")) {
    const auto before = parse_job_id(*cursor);
    if (!before) {
      return fail(ErrorCode::kInvalidArgument,
                  "cursor: must be the next_cursor of an earlier page");
    }
    query.before = *before;
  }
  return query;
}

}  // namespace

Task<Response> list_jobs(Call call) {
  auto query = list_query_of(call.request());
  if (!query) {
    co_return problem(query.error());
  }
  query->filter.within = within(call, auth::Permission::kReadJobs);
  const auto reply = co_await ask(call, std::move(*query));
  if (!reply) {
    co_return problem(reply.error());
  }
  const auto& page = std::get<core::Listed>(*reply);
  JsonWriter json;
  json.object().key("items").array();
  for (const core::Job& job : page.jobs) {
    write_job(json, job, {});
  }
  json.end();
  if (page.next) {
    json.member("next_cursor", to_string(*page.next));
  }
  json.end();
  co_return json_response(200, json.take());
}

Task<Response> get_job(Call call) {
  const Request& request = call.request();
  const auto id = job_id_of(request);
  const auto wait = queried_wait(request);
  if (!id || !wait) {
    co_return problem(!id ? id.error() : wait.error());
  }
  const auto found = *wait ? co_await await_job(call, *id, **wait) : co_await find_job(call, *id);
  if (!found) {
    co_return problem(found.error());
  }
  const std::string etag = etag_of(found->job);
  if (request.header("If-None-Match") == etag) {
    Response unchanged{.status = 304};
    unchanged.headers.emplace_back("ETag", etag);
    co_return unchanged;
  }
  co_return co_await job_response(call, found->job, found->waiting_for);
}

Task<Response> get_result(Call call) {
  const auto id = job_id_of(call.request());
  if (!id) {
    co_return problem(id.error());
  }
  const auto found = co_await find_job(call, *id);
  if (!found) {
    co_return problem(found.error());
  }
  const core::Job& job = found->job;
  if (job.state != core::TaskState::kSucceeded) {
    const bool failed = job.result && job.result->error;
    co_return problem(Error{
        ErrorCode::kConflict,
        failed
            ? fmt::format("job '{}' is {} and has no result: {}", to_string(*id),
                          to_string(job.state), job.result->error->message)
            : fmt::format("job '{}' is {} and has no result yet; GET /api/v1/jobs/{}?wait=N waits",
                          to_string(*id), to_string(job.state), to_string(*id))});
  }
  const auto outputs = co_await read_outputs(call, *id, *job.result);
  if (!outputs) {
    co_return problem(outputs.error());
  }
  JsonWriter json;
  json.object().key("outputs");
  write_values(json, *outputs);
  json.end();
  co_return json_response(200, json.take());
}

Task<Response> get_decisions(Call call) {
  const auto id = job_id_of(call.request());
  if (!id) {
    co_return problem(id.error());
  }
  if (const auto found = co_await find_job(call, *id); !found) {
    co_return problem(found.error());
  }
  const auto decisions =
      co_await off_strand(call, [call, id = *id] { return call->archive.decisions(id); });
  if (!decisions) {
    co_return problem(decisions.error());
  }
  JsonWriter json;
  json.object().key("items").array();
  for (const core::DecisionRecord& decision : *decisions) {
    write_decision(json, decision);
  }
  json.end().end();
  co_return json_response(200, json.take());
}

}  // namespace skerry::api
