// placements.cc: the dry run of a placement.

#include <fmt/format.h>

#include "controller/api/fleet_json.h"
#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/json_reader.h"
#include "controller/api/problem.h"
#include "controller/api/values_json.h"

namespace skerry::api {

namespace {

Result<std::vector<NamedPlanEntry>> named_plan(const core::Core& core, const core::JobSpec& spec,
                                               Instant now) {
  const auto entries = core.plan(spec, now);
  if (!entries) {
    return fail(entries.error());
  }
  std::vector<NamedPlanEntry> named;
  named.reserve(entries->size());
  for (const scheduler::PlanEntry& entry : *entries) {
    named.push_back({.node = core.fleet().node(entry.node).name,
                     .variant = core.fleet().variant(entry.variant).name,
                     .entry = entry});
  }
  return named;
}

// How many bytes the inputs would have, which is all that a prediction asks of them.
Task<Result<std::uint64_t>> input_bytes_of(Call call, JobRequest request,
                                           std::vector<FieldIssue> issues) {
  if (const Status valid = to_status(issues); !valid) {
    co_return fail(valid.error());
  }
  if (request.inputs == nullptr) {
    co_return request.input_bytes.value_or(0);
  }
  const auto manifest = co_await find_manifest(call, request.spec.ns, request.spec.model);
  if (!manifest) {
    co_return fail(manifest.error());
  }
  const Values values = read_inputs(request.inputs, **manifest, "/inputs", issues);
  if (const Status valid = to_status(std::move(issues)); !valid) {
    co_return fail(valid.error());
  }
  co_return encode_values(values).size();
}

}  // namespace

Task<Response> plan_placement(Call call) {
  const auto document = co_await parse_body(call);
  if (!document) {
    co_return problem(document.error());
  }
  std::vector<FieldIssue> issues;
  const JobRequest request =
      read_job(document->root(), JobPurpose::kPlan, call->clock.now(), "", issues);
  if (issues.empty() && !may(call, auth::Permission::kReadJobs, request.spec.ns)) {
    co_return deny(call, "placement.plan", {}, request.spec.ns,
                   fmt::format("{} may not look into namespace '{}'", call.request().caller.id,
                               request.spec.ns));
  }
  const auto input_bytes = co_await input_bytes_of(call, request, std::move(issues));
  if (!input_bytes) {
    co_return problem(input_bytes.error());
  }
  core::JobSpec spec = request.spec;
  spec.inputs.size_bytes = *input_bytes;
  const auto plan =
      co_await inspect(call, [spec = std::move(spec)](const core::Core& core, Instant now) {
        return named_plan(core, spec, now);
      });
  if (!plan || !*plan) {
    co_return problem(!plan ? plan.error() : plan->error());
  }
  JsonWriter json;
  write_plan(json, **plan);
  co_return json_response(200, json.take());
}

}  // namespace skerry::api
