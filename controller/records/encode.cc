#include <records.pb.h>

#include <boost/json/serialize.hpp>

#include "controller/records/parts.h"

namespace skerry::records {

namespace {

using records::encode;  // beside those below
using store::Table;
using store::Write;

template <typename Message>
Write put(Table table, std::string key, const Message& message) {
  return {table, std::move(key), message.SerializeAsString()};
}

std::string idempotency_key(const std::string& ns, const std::string& key) {
  return ns + '\0' + key;
}

std::string policy_key(const core::PolicyRef& ref) { return ref.name + '\0' + ref.version; }

void fill(stored::Payload& to, const Payload& from) {
  if (from.bytes) {
    to.set_inline_(*from.bytes);
  }
  to.set_blob(from.blob);
  to.set_size_bytes(from.size_bytes);
}

void fill(stored::Objectives& to, const scheduler::Objectives& from) {
  to.set_latency_s(from.latency_s);
  to.set_energy_j(from.energy_j);
  to.set_cost_usd(from.cost_usd);
  to.set_error(from.error);
}

void fill(stored::Constraints& to, const scheduler::Constraints& from) {
  to.set_deadline_us(from.deadline ? to_us(*from.deadline) : 0);
  for (const auto tier : from.tiers) {
    to.add_tiers(static_cast<std::uint32_t>(tier));
  }
  to.set_site(from.site);
  to.mutable_labels()->insert(from.labels.begin(), from.labels.end());
  to.set_node(from.node);
  to.mutable_variants()->Assign(from.variants.begin(), from.variants.end());
  if (from.max_energy_j) {
    to.set_max_energy_j(*from.max_energy_j);
  }
  if (from.max_cost_usd) {
    to.set_max_cost_usd(*from.max_cost_usd);
  }
  if (from.min_accuracy) {
    to.set_min_accuracy(*from.min_accuracy);
  }
}

Write encode(const core::JobRecord& record) {
  const auto& spec = record.spec;
  stored::Job job;
  job.set_ns(spec.ns);
  job.set_model(spec.model);
  fill(*job.mutable_inputs(), spec.inputs);
  job.mutable_weights()->Assign(spec.preference.weights.begin(), spec.preference.weights.end());
  job.set_preference_name(spec.preference_name);
  if (spec.constraints != scheduler::Constraints{}) {
    fill(*job.mutable_constraints(), spec.constraints);
  }
  job.set_urgency(static_cast<std::uint32_t>(spec.urgency));
  job.set_sequence(spec.sequence);
  job.mutable_labels()->insert(spec.labels.begin(), spec.labels.end());
  job.set_submitted_us(to_us(record.submitted_at));
  return put(Table::kJob, job_key(record.id), job);
}

Write encode(const core::TaskRecord& record) {
  stored::Task task;
  task.set_state(static_cast<std::uint32_t>(record.state));
  task.set_attempts(record.attempts);
  for (const auto& from : record.live) {
    auto& attempt = *task.add_live();
    attempt.set_number(from.number);
    attempt.set_uid_high(from.uid.high);
    attempt.set_uid_low(from.uid.low);
    attempt.set_node(from.node_name);
    attempt.set_variant(from.variant_name);
    attempt.set_leased_us(to_us(from.leased_at));
    fill(*attempt.mutable_predicted(), from.predicted);
  }
  task.mutable_excluded_nodes()->Assign(record.excluded_nodes.begin(), record.excluded_nodes.end());
  task.set_infrastructure_retries(record.retries.infrastructure);
  task.set_crashes(record.retries.crashes);
  task.set_returned(record.retries.returned);
  task.set_ready_us(to_us(record.ready_at));
  task.set_version(record.version);
  task.set_handing_over(record.handing_over);
  task.set_kept_here(record.kept_here);
  task.set_taken_as(record.taken_as.value);
  return put(Table::kTask, job_key(record.id), task);
}

void fill(stored::Usage& to, const core::Usage& from) {
  to.set_queue_us(from.queue.count());
  to.set_fetch_us(from.fetch.count());
  to.set_load_us(from.load.count());
  to.set_service_us(from.service.count());
  to.set_energy_j(from.energy_j);
  to.set_energy_source(from.energy_source);
  to.set_cost_usd(from.cost_usd);
}

Write encode(const core::ResultRecord& record) {
  const auto& from = record.result;
  stored::Result result;
  result.set_attempt(from.attempt);
  result.set_node(from.node_name);
  result.set_variant(from.variant_name);
  fill(*result.mutable_output(), from.output);
  if (from.error) {
    result.mutable_error()->set_code(std::string(to_string(from.error->code)));
    result.mutable_error()->set_message(from.error->message);
    for (const auto& issue : from.error->fields) {
      auto& field = *result.mutable_error()->add_fields();
      field.set_field(issue.field);
      field.set_message(issue.message);
    }
  }
  fill(*result.mutable_usage(), from.usage);
  fill(*result.mutable_predicted(), from.predicted);
  fill(*result.mutable_actual(), from.actual);
  result.set_uid_high(from.uid.high);
  result.set_uid_low(from.uid.low);
  result.set_ended_us(to_us(from.ended_at));
  result.set_brought_us(from.brought_at ? to_us(*from.brought_at) : 0);
  return put(Table::kResult, job_key(record.id), result);
}

Write encode(const core::NodeRecord& record) {
  const auto& spec = record.spec;
  stored::Node node;
  node.set_id(record.id.value);
  node.set_name(spec.name);
  node.set_tier(static_cast<std::uint32_t>(spec.tier));
  node.set_site(spec.site);
  node.mutable_labels()->insert(spec.labels.begin(), spec.labels.end());
  node.mutable_engines()->Assign(spec.engines.begin(), spec.engines.end());
  node.set_slots(spec.slots);
  node.set_memory_bytes(spec.memory_bytes);
  node.set_speed(spec.speed);
  node.set_idle_w(spec.power.idle_w);
  node.set_busy_w(spec.power.busy_w);
  node.set_transfer_j_per_byte(spec.power.transfer_j_per_byte);
  node.set_price_usd_per_hour(spec.price_usd_per_hour);
  node.set_rtt_s(spec.rtt_s);
  node.set_bandwidth_bytes_per_s(spec.bandwidth_bytes_per_s);
  node.set_incarnation(record.incarnation);
  node.set_cordoned(record.cordoned);
  node.set_draining(record.draining);
  node.set_enrolled_us(to_us(record.enrolled_at));
  return put(Table::kNode, spec.name, node);
}

Write encode(const core::ModelRecord& record) {
  stored::Model model;
  model.set_revision(record.revision);
  model.set_manifest_json(boost::json::serialize(manifest_to_json(record.manifest)));
  return put(Table::kModel, record.manifest.name, model);
}

Write encode(const core::IdempotencyRecord& record) {
  stored::Idempotency entry;
  entry.set_request_digest(record.request_digest);
  for (const auto id : record.jobs) {
    entry.add_jobs(id.value);
  }
  return put(Table::kIdempotency, idempotency_key(record.ns, record.key), entry);
}

void fill(stored::Facts& to, const scheduler::CandidateFacts& from) {
  to.set_node(from.node.value);
  to.set_variant(from.variant.value);
  to.set_tier(static_cast<std::uint32_t>(from.tier));
  to.set_slots(from.slots);
  to.set_outstanding(from.outstanding);
  to.set_capacity(from.capacity);
  to.set_backlog_s(from.backlog_s);
  to.set_rtt_s(from.rtt_s);
  to.set_bandwidth_bytes_per_s(from.bandwidth_bytes_per_s);
  to.set_busy_w(from.busy_w);
  to.set_measured_w(from.measured_w);
  to.set_transfer_j_per_byte(from.transfer_j_per_byte);
  to.set_price_usd_per_s(from.price_usd_per_s);
  to.set_node_memory_bytes(from.node_memory_bytes);
  to.set_variant_memory_bytes(from.variant_memory_bytes);
  to.set_resident(from.resident);
}

void fill(stored::Trend& to, const scheduler::Trend& from) {
  to.set_slots(from.slots);
  to.set_slow_load(from.slow_load);
  to.set_fast_load(from.fast_load);
  to.set_least_load(from.least_load);
  to.set_slow_taken(from.slow_taken);
  to.set_fast_taken(from.fast_taken);
  to.set_delay_price(from.delay_price);
  to.set_timed(from.timed);
  to.set_urgency(from.urgency);
  to.mutable_preference()->Assign(from.preference.begin(), from.preference.end());
}

void fill(stored::PolicyRef& to, const core::PolicyRef& from) {
  to.set_name(from.name);
  to.set_version(from.version);
}

Write encode(const core::DecisionRecord& record) {
  stored::Decision decision;
  decision.set_at_us(to_us(record.at));
  decision.set_policy(record.policy);
  decision.set_policy_version(record.policy_version);
  decision.set_fallback_reason(record.fallback_reason);
  decision.set_hedge_reason(record.hedge_reason);
  decision.mutable_weights()->Assign(record.preference.weights.begin(),
                                     record.preference.weights.end());
  for (const auto& from : record.candidates) {
    auto& candidate = *decision.add_candidates();
    candidate.set_node(from.node);
    candidate.set_variant(from.variant);
    candidate.set_wait_s(from.prediction.wait_s);
    candidate.set_transfer_s(from.prediction.transfer_s);
    candidate.set_load_s(from.prediction.load_s);
    candidate.set_service_s(from.prediction.service_s);
    candidate.set_latency_deviation_s(from.prediction.latency_deviation_s);
    fill(*candidate.mutable_predicted(), from.prediction.objectives);
    candidate.set_score(from.score);
    fill(*candidate.mutable_facts(), from.facts);
  }
  decision.set_chosen(record.chosen);
  decision.set_model(record.model);
  decision.set_input_bytes(record.input_bytes);
  if (record.deadline_left_s) {
    decision.set_deadline_left_s(*record.deadline_left_s);
  }
  fill(*decision.mutable_ideal(), record.scale.ideal);
  fill(*decision.mutable_nadir(), record.scale.nadir);
  decision.set_waiting(record.waiting);
  fill(*decision.mutable_trend(), record.trend);
  decision.set_considered(record.considered);
  for (const auto& from : record.shadows) {
    auto& shadow = *decision.add_shadows();
    fill(*shadow.mutable_policy(), from.policy);
    if (from.chosen) {
      shadow.set_chosen(*from.chosen);
    }
  }
  for (std::size_t reason = 0; reason < record.masked.size(); ++reason) {
    if (record.masked[reason] > 0) {
      const auto name = scheduler::to_string(static_cast<scheduler::MaskReason>(reason));
      (*decision.mutable_masked())[std::string(name)] = record.masked[reason];
    }
  }
  return put(Table::kDecision, decision_key(record.job, record.attempt), decision);
}

Write encode(const core::MetaRecord& record) {
  stored::Meta meta;
  meta.set_epoch(record.epoch.value);
  meta.set_policy(record.policy.name);
  meta.set_policy_version(record.policy.version);
  if (record.previous_policy) {
    fill(*meta.mutable_previous_policy(), *record.previous_policy);
  }
  for (const auto& shadow : record.shadows) {
    fill(*meta.add_shadows(), shadow);
  }
  meta.set_operator_chose(record.operator_chose);
  meta.set_last_revision(record.last_revision);
  return put(Table::kMeta, std::string(kMetaKey), meta);
}

Write encode(const core::DeleteIdempotency& record) {
  return {Table::kIdempotency, idempotency_key(record.ns, record.key), std::nullopt};
}
Write encode(const core::DeleteModelRecord& record) {
  return {Table::kModel, record.name, std::nullopt};
}
Write encode(const core::DeleteNodeRecord& record) {
  return {Table::kNode, record.name, std::nullopt};
}

Write encode(const core::PolicyRecord& record) {
  stored::Policy policy;
  policy.set_number(record.number);
  policy.set_applied_us(to_us(record.applied_at));
  policy.set_bundle(*record.bundle);
  policy.set_offered(record.offered);
  return put(Table::kPolicy, policy_key(record.ref), policy);
}
Write encode(const core::DeletePolicyRecord& record) {
  return {Table::kPolicy, policy_key(record.ref), std::nullopt};
}

void append(store::Batch& batch, const core::DeleteRecords& record) {
  const std::string key = job_key(record.id);
  for (const auto table : {Table::kJob, Table::kTask, Table::kResult}) {
    batch.push_back({table, key, std::nullopt});
  }
  for (std::uint32_t attempt = 1; attempt <= record.attempts; ++attempt) {
    batch.push_back({Table::kDecision, decision_key(record.id, attempt), std::nullopt});
  }
}

template <typename Record>
void append(store::Batch& batch, const Record& record) {
  batch.push_back(encode(record));
}

}  // namespace

std::string job_key(JobId id) {
  std::string key;
  put_number(key, id.value);
  return key;
}

std::string decision_key(JobId id, std::uint32_t attempt) {
  std::string key = job_key(id);
  put_number(key, attempt);
  return key;
}

std::string audit_key(std::uint64_t seq) {
  std::string key;
  put_number(key, seq);
  return key;
}

store::Batch encode(const std::vector<core::RecordWrite>& writes) {
  store::Batch batch;
  batch.reserve(writes.size());
  for (const auto& write : writes) {
    std::visit([&](const auto& record) { append(batch, record); }, write);
  }
  return batch;
}

}  // namespace skerry::records
