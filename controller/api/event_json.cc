#include "controller/api/event_json.h"

#include "controller/api/json_writer.h"

namespace skerry::api {

namespace {

void write_members(JsonWriter& json, const core::JobChanged& job) {
  json.member("job", to_string(job.job))
      .member("namespace", job.ns)
      .member("model", job.model)
      .member("state", to_string(job.state))
      .member("attempt", job.attempt);
  if (!job.node.empty()) {
    json.member("node", job.node).member("variant", job.variant);
  }
  if (!job.reason.empty()) {
    json.member("reason", job.reason);
  }
}
void write_members(JsonWriter& json, const core::NodeChanged& node) {
  json.member("node", node.node).member("state", node.state).member("reason", node.reason);
}
void write_members(JsonWriter& json, const core::SpoolChanged& spool) {
  json.member("node", spool.node).member("spool_full", spool.full).member("spooled", spool.spooled);
}
void write_members(JsonWriter& json, const core::BrakeChanged& brake) {
  json.member("braking", brake.on).member("site", brake.site);
}
void write_members(JsonWriter& json, const core::ModelChanged& model) {
  json.member("model", model.model).member("change", model.change);
}
void write_members(JsonWriter& json, const core::PolicyChanged& policy) {
  json.member("policy", policy.policy)
      .member("version", policy.version)
      .member("change", policy.change);
  if (!policy.reason.empty()) {
    json.member("reason", policy.reason);
  }
}
void write_members(JsonWriter& json, const core::BreakerChanged& breaker) {
  json.member("policy", breaker.policy)
      .member("version", breaker.version)
      .member("breaker", breaker.state);
  if (!breaker.fault.empty()) {
    json.member("fault", breaker.fault).member("reason", breaker.reason);
  }
}
// The ring keeps none of these.
void write_members(JsonWriter&, const core::JobEnded&) {}
void write_members(JsonWriter&, const core::SubmitRefused&) {}
void write_members(JsonWriter&, const core::DecisionMade&) {}
void write_members(JsonWriter&, const core::AttemptFailed&) {}
void write_members(JsonWriter&, const core::HedgeLooked&) {}
void write_members(JsonWriter&, const core::HedgeEnded&) {}
void write_members(JsonWriter&, const core::AccessChanged&) {}

}  // namespace

std::string_view event_type(const core::Happening& happening) {
  if (std::holds_alternative<core::NodeChanged>(happening) ||
      std::holds_alternative<core::SpoolChanged>(happening) ||
      std::holds_alternative<core::BrakeChanged>(happening)) {
    return "node";
  }
  if (std::holds_alternative<core::ModelChanged>(happening)) {
    return "model";
  }
  return std::holds_alternative<core::PolicyChanged>(happening) ||
                 std::holds_alternative<core::BreakerChanged>(happening)
             ? "policy"
             : "job";
}

std::optional<JobId> event_job(const core::Happening& happening) {
  const auto* job = std::get_if<core::JobChanged>(&happening);
  return job == nullptr ? std::nullopt : std::optional(job->job);
}

std::string event_json(const EventRing::Event& event) {
  JsonWriter json;
  json.object().member("type", event_type(event.what)).member("at", event.at);
  std::visit([&](const auto& what) { write_members(json, what); }, event.what);
  json.end();
  return json.take();
}

}  // namespace skerry::api
