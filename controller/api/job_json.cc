#include "controller/api/job_json.h"

#include "common/ids.h"
#include "controller/api/problem.h"
#include "controller/api/values_json.h"

namespace skerry::api {

namespace {

void write_constraints(JsonWriter& json, const scheduler::Constraints& constraints,
                       Instant submitted_at) {
  json.object();
  if (constraints.deadline) {
    json.member("deadline_ms", to_ms(*constraints.deadline - submitted_at));
  }
  if (!constraints.tiers.empty()) {
    json.key("tiers").array();
    for (const scheduler::Tier tier : constraints.tiers) {
      json.value(to_string(tier));
    }
    json.end();
  }
  if (!constraints.site.empty()) {
    json.member("site", constraints.site);
  }
  if (!constraints.labels.empty()) {
    json.member("labels", constraints.labels);
  }
  if (!constraints.node.empty()) {
    json.member("node", constraints.node);
  }
  if (!constraints.variants.empty()) {
    json.texts("variants", constraints.variants);
  }
  if (constraints.max_energy_j) {
    json.member("max_energy_j", *constraints.max_energy_j);
  }
  if (constraints.max_cost_usd) {
    json.member("max_cost_usd", *constraints.max_cost_usd);
  }
  if (constraints.min_accuracy) {
    json.member("min_accuracy", *constraints.min_accuracy);
  }
  json.end();
}

void write_attempt(JsonWriter& json, const core::Attempt& attempt) {
  json.object()
      .member("number", attempt.number)
      .member("node", attempt.node_name)
      .member("variant", attempt.variant_name)
      .member("leased_at", attempt.leased_at);
  if (attempt.started_at) {
    json.member("started_at", *attempt.started_at);
  }
  json.end();
}

void write_usage(JsonWriter& json, const core::Usage& usage) {
  json.object()
      .member("queue_ms", to_ms(usage.queue))
      .member("fetch_ms", to_ms(usage.fetch))
      .member("load_ms", to_ms(usage.load))
      .member("service_ms", to_ms(usage.service))
      .member("energy_source", usage.energy_source)
      .end();
}

void write_result(JsonWriter& json, const core::TaskResult& result, Instant submitted_at,
                  const Values* outputs) {
  json.object()
      .member("attempt", result.attempt)
      .member("node", result.node_name)
      .member("variant", result.variant_name);
  if (outputs != nullptr) {
    json.key("outputs");
    write_values(json, *outputs);
  }
  json.member("total_ms", to_ms(since(submitted_at, result.ended_at))).key("usage");
  write_usage(json, result.usage);
  json.key("predicted").object();
  write_objectives(json, result.predicted);
  json.end().key("actual").object();
  write_objectives(json, result.actual);
  json.end().end();
}

}  // namespace

void write_preference(JsonWriter& json, std::string_view name,
                      const scheduler::Preference& preference) {
  json.object();
  if (!name.empty()) {
    json.member("name", name);
  }
  json.key("weights");
  write_weights(json, preference.weights);
  json.end();
}

void write_weights(JsonWriter& json, std::span<const double, scheduler::kObjectives> weights) {
  json.object();
  for (std::size_t i = 0; i < scheduler::kObjectives; ++i) {
    json.member(to_string(static_cast<scheduler::Objective>(i)), weights[i]);
  }
  json.end();
}

void write_objectives(JsonWriter& json, const scheduler::Objectives& objectives) {
  json.member("latency_ms", objectives.latency_s * 1000)
      .member("energy_j", objectives.energy_j)
      .member("cost_usd", objectives.cost_usd)
      .member("error", objectives.error);
}

void write_prediction(JsonWriter& json, const scheduler::Prediction& prediction) {
  json.object();
  write_objectives(json, prediction.objectives);
  json.member("latency_deviation_ms", prediction.latency_deviation_s * 1000)
      .member("wait_ms", prediction.wait_s * 1000)
      .member("transfer_ms", prediction.transfer_s * 1000)
      .member("load_ms", prediction.load_s * 1000)
      .member("service_ms", prediction.service_s * 1000)
      .end();
}

void write_mask_counts(JsonWriter& json, const scheduler::MaskCounts& counts) {
  json.object();
  for (std::size_t i = 1; i < counts.size(); ++i) {
    if (counts[i] > 0) {
      json.member(to_string(static_cast<scheduler::MaskReason>(i)), counts[i]);
    }
  }
  json.end();
}

void write_job(JsonWriter& json, const core::Job& job, const JobExtras& extras) {
  const core::JobSpec& spec = job.spec;
  json.object()
      .member("id", to_string(job.id))
      .member("namespace", spec.ns)
      .member("model", spec.model)
      .member("state", to_string(job.state))
      .member("priority", to_string(spec.urgency))
      .member("durability", spec.durability == core::Durability::kDurable ? "durable" : "none")
      .key("preference");
  write_preference(json, spec.preference_name, spec.preference);
  json.key("constraints");
  write_constraints(json, spec.constraints, job.submitted_at);
  json.member("labels", spec.labels)
      .member("sequence", spec.sequence)
      .member("submitted_at", job.submitted_at)
      .member("attempts", job.attempts)
      .member("version", job.version)
      .key("retries")
      .object()
      .member("infrastructure", job.retries.infrastructure)
      .member("crashes", job.retries.crashes)
      .member("returned", job.retries.returned)
      .end();
  if (job.handing_over) {
    json.member("handing_over", true);
  }
  if (job.taken_as.value != 0) {
    json.member("taken_as", to_string(job.taken_as));
  }
  if (extras.waiting_for) {
    json.key("waiting_for");
    write_mask_counts(json, *extras.waiting_for);
  }
  json.key("live_attempts").array();
  for (const core::Attempt& attempt : job.live) {
    write_attempt(json, attempt);
  }
  json.end();
  if (job.result) {
    json.member("ended_at", job.result->ended_at);
    if (job.state == core::TaskState::kSucceeded) {
      json.key("result");
      write_result(json, *job.result, job.submitted_at, extras.outputs);
    } else if (job.result->error) {
      json.key("error");
      write_error(json, *job.result->error);
    }
  }
  json.end();
}

}  // namespace skerry::api
