#include "controller/api/decision_json.h"

#include "controller/api/job_json.h"

namespace skerry::api {

namespace {

void write_objectives_object(JsonWriter& json, std::string_view name,
                             const scheduler::Objectives& objectives) {
  json.key(name).object();
  write_objectives(json, objectives);
  json.end();
}

void write_facts(JsonWriter& json, const scheduler::CandidateFacts& facts) {
  json.object()
      .member("node_number", facts.node.value)
      .member("variant_number", facts.variant.value)
      .member("tier", to_string(facts.tier))
      .member("slots", facts.slots)
      .member("outstanding", facts.outstanding)
      .member("capacity", facts.capacity)
      .member("backlog_ms", facts.backlog_s * 1000)
      .member("rtt_ms", facts.rtt_s * 1000)
      .member("bandwidth_bytes_per_s", facts.bandwidth_bytes_per_s)
      .member("busy_w", facts.busy_w)
      .member("measured_w", facts.measured_w)
      .member("transfer_j_per_byte", facts.transfer_j_per_byte)
      .member("price_usd_per_s", facts.price_usd_per_s)
      .member("node_memory_bytes", facts.node_memory_bytes)
      .member("variant_memory_bytes", facts.variant_memory_bytes)
      .member("resident", facts.resident)
      .end();
}

void write_trend(JsonWriter& json, const scheduler::Trend& trend) {
  json.object()
      .member("slots", trend.slots)
      .member("slow_load", trend.slow_load)
      .member("fast_load", trend.fast_load)
      .member("least_load", trend.least_load)
      .member("slow_taken", trend.slow_taken)
      .member("fast_taken", trend.fast_taken)
      .member("delay_price", trend.delay_price)
      .member("timed", trend.timed)
      .member("urgency", trend.urgency);
  json.key("preference");
  write_weights(json, trend.preference);
  json.end();
}

void write_candidate(JsonWriter& json, const core::DecisionCandidate& candidate,
                     const scheduler::Preference& preference) {
  const scheduler::Objectives& normalised = candidate.normalised;
  json.object()
      .member("node", candidate.node)
      .member("variant", candidate.variant)
      .member("score", candidate.score)
      .member("predicted_cost", scheduler::weighted_sum(preference, normalised))
      .key("predicted");
  write_prediction(json, candidate.prediction);
  json.key("normalised")
      .object()
      .member("latency", normalised.latency_s)
      .member("energy", normalised.energy_j)
      .member("cost", normalised.cost_usd)
      .member("error", normalised.error)
      .end();
  json.key("facts");
  write_facts(json, candidate.facts);
  json.end();
}

void write_choice(JsonWriter& json, const core::DecisionCandidate& candidate) {
  json.object().member("node", candidate.node).member("variant", candidate.variant).end();
}

void write_shadows(JsonWriter& json, const core::DecisionRecord& decision) {
  json.key("shadows").array();
  for (const core::DecisionShadow& shadow : decision.shadows) {
    json.object().member("policy", shadow.policy.name).member("version", shadow.policy.version);
    json.key("choice");
    if (shadow.chosen && *shadow.chosen < decision.candidates.size()) {
      write_choice(json, decision.candidates[*shadow.chosen]);
    } else {
      json.null();
    }
    json.end();
  }
  json.end();
}

}  // namespace

void write_decision(JsonWriter& json, const core::DecisionRecord& decision,
                    const core::TaskResult* result) {
  json.object()
      .member("job", to_string(decision.job))
      .member("attempt", decision.attempt)
      .member("at", decision.at)
      .member("policy", decision.policy)
      .member("policy_version", decision.policy_version);
  if (!decision.fallback_reason.empty()) {
    json.member("fallback_reason", decision.fallback_reason);
  }
  if (!decision.hedge_reason.empty()) {
    json.member("hedge_reason", decision.hedge_reason);
  }
  json.member("model", decision.model).member("input_bytes", decision.input_bytes);
  if (decision.deadline_left_s) {
    json.member("deadline_left_ms", *decision.deadline_left_s * 1000);
  }
  json.key("preference");
  write_preference(json, "", decision.preference);
  json.key("scale").object();
  write_objectives_object(json, "ideal", decision.scale.ideal);
  write_objectives_object(json, "nadir", decision.scale.nadir);
  json.end();
  json.member("waiting", decision.waiting).key("trend");
  write_trend(json, decision.trend);
  json.member("considered", decision.considered)
      // A record of an older store does not say how many there were.
      .member("complete",
              decision.considered > 0 && decision.candidates.size() >= decision.considered)
      .key("candidates")
      .array();
  for (const core::DecisionCandidate& candidate : decision.candidates) {
    write_candidate(json, candidate, decision.preference);
  }
  json.end();
  if (decision.chosen < decision.candidates.size()) {
    json.key("choice");
    write_choice(json, decision.candidates[decision.chosen]);
  }
  write_shadows(json, decision);
  json.key("masked");
  write_mask_counts(json, decision.masked);
  if (result != nullptr && result->attempt == decision.attempt) {
    json.key("outcome").object().member("succeeded", !result->error);
    if (!result->error) {
      write_objectives_object(json, "actual", result->actual);
    }
    json.end();
  }
  json.end();
}

}  // namespace skerry::api
