#include <algorithm>
#include <boost/json/parse.hpp>

#include "controller/core/settings.h"
#include "controller/records/decoding.h"

namespace skerry::records {

namespace {

Payload payload(const stored::Payload& from) {
  if (!from.blob().empty()) {
    return Payload::stored(from.blob(), from.size_bytes());
  }
  return from.size_bytes() == 0 ? Payload{} : Payload::inlined(from.inline_());
}

bool read_constraints(const stored::Constraints& from, scheduler::Constraints& to) {
  if (from.deadline_us() != 0) {
    to.deadline = instant_from_us(from.deadline_us());
  }
  for (const auto tier : from.tiers()) {
    if (!within(tier, scheduler::Tier::kCloud)) {
      return false;
    }
    to.tiers.push_back(static_cast<scheduler::Tier>(tier));
  }
  to.site = from.site();
  to.labels = {from.labels().begin(), from.labels().end()};
  to.node = from.node();
  to.variants = {from.variants().begin(), from.variants().end()};
  if (from.has_max_energy_j()) {
    to.max_energy_j = from.max_energy_j();
  }
  if (from.has_max_cost_usd()) {
    to.max_cost_usd = from.max_cost_usd();
  }
  if (from.has_min_accuracy()) {
    to.min_accuracy = from.min_accuracy();
  }
  return true;
}

core::Usage usage(const stored::Usage& from) {
  return {.queue = Duration(from.queue_us()),
          .fetch = Duration(from.fetch_us()),
          .load = Duration(from.load_us()),
          .service = Duration(from.service_us()),
          .energy_j = from.energy_j(),
          .energy_source = from.energy_source(),
          .cost_usd = from.cost_usd()};
}

std::optional<ErrorCode> error_code(std::string_view name) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    if (to_string(static_cast<ErrorCode>(code)) == name) {
      return static_cast<ErrorCode>(code);
    }
  }
  return std::nullopt;
}

}  // namespace

Result<JobId> job_of(std::string_view key) {
  if (key.size() < sizeof(std::uint64_t)) {
    return corrupt("job id");
  }
  JobId id;
  id.value = number_at<std::uint64_t>(key, 0);
  return id;
}

Result<core::JobRecord> decode_job(std::string_view key, std::string_view value) {
  stored::Job job;
  const auto id = job_of(key);
  core::JobRecord record;
  if (!id || !parse(job, value) || !within(job.urgency(), core::Urgency::kInteractive) ||
      !read_weights(job.weights(), record.spec.preference) ||
      !read_constraints(job.constraints(), record.spec.constraints)) {
    return corrupt("job");
  }
  record.id = *id;
  record.submitted_at = instant_from_us(job.submitted_us());
  auto& spec = record.spec;
  spec.ns = job.ns();
  spec.model = job.model();
  spec.inputs = payload(job.inputs());
  spec.preference_name = job.preference_name();
  spec.urgency = static_cast<core::Urgency>(job.urgency());
  spec.sequence = job.sequence();
  spec.labels = {job.labels().begin(), job.labels().end()};
  return record;
}

Result<core::TaskRecord> decode_task(std::string_view key, std::string_view value) {
  stored::Task task;
  const auto id = job_of(key);
  if (!id || !parse(task, value) || !within(task.state(), core::TaskState::kMoved)) {
    return corrupt("task");
  }
  core::TaskRecord record{
      .id = *id,
      .state = static_cast<core::TaskState>(task.state()),
      .attempts = task.attempts(),
      .live = {},
      .excluded_nodes = {task.excluded_nodes().begin(), task.excluded_nodes().end()},
      .retries = {.infrastructure = task.infrastructure_retries(),
                  .crashes = task.crashes(),
                  .returned = task.returned()},
      .ready_at = instant_from_us(task.ready_us()),
      .version = task.version(),
      .handing_over = task.handing_over(),
      .kept_here = task.kept_here(),
      .taken_as = {}};
  record.taken_as.value = task.taken_as();
  for (const auto& from : task.live()) {
    record.live.push_back({.number = from.number(),
                           .uid = {from.uid_high(), from.uid_low()},
                           .node_name = from.node(),
                           .variant_name = from.variant(),
                           .leased_at = instant_from_us(from.leased_us()),
                           .predicted = objectives(from.predicted())});
  }
  return record;
}

Result<core::ResultRecord> decode_result(std::string_view key, std::string_view value) {
  stored::Result from;
  const auto id = job_of(key);
  if (!id || !parse(from, value)) {
    return corrupt("result");
  }
  core::ResultRecord record{.id = *id, .result = {}};
  auto& result = record.result;
  result.attempt = from.attempt();
  result.node_name = from.node();
  result.variant_name = from.variant();
  result.output = payload(from.output());
  result.usage = usage(from.usage());
  result.predicted = objectives(from.predicted());
  result.actual = objectives(from.actual());
  result.uid = {from.uid_high(), from.uid_low()};
  result.ended_at = instant_from_us(from.ended_us());
  if (from.brought_us() != 0) {
    result.brought_at = instant_from_us(from.brought_us());
  }
  if (from.has_error()) {
    const auto code = error_code(from.error().code());
    if (!code) {
      return corrupt("result");
    }
    result.error = Error{*code, from.error().message(), {}};
    for (const auto& field : from.error().fields()) {
      result.error->fields.push_back({field.field(), field.message()});
    }
  }
  return record;
}

Result<core::NodeRecord> decode_node(std::string_view value) {
  stored::Node node;
  if (!parse(node, value) || !within(node.tier(), scheduler::Tier::kCloud)) {
    return corrupt("node");
  }
  return core::NodeRecord{.id = {node.id()},
                          .spec = {.name = node.name(),
                                   .tier = static_cast<scheduler::Tier>(node.tier()),
                                   .site = node.site(),
                                   .labels = {node.labels().begin(), node.labels().end()},
                                   .engines = {node.engines().begin(), node.engines().end()},
                                   .slots = node.slots(),
                                   .memory_bytes = node.memory_bytes(),
                                   .speed = node.speed(),
                                   .power = {.idle_w = node.idle_w(),
                                             .busy_w = node.busy_w(),
                                             .transfer_j_per_byte = node.transfer_j_per_byte()},
                                   .price_usd_per_hour = node.price_usd_per_hour(),
                                   .rtt_s = node.rtt_s(),
                                   .bandwidth_bytes_per_s = node.bandwidth_bytes_per_s()},
                          .incarnation = node.incarnation(),
                          .cordoned = node.cordoned(),
                          .draining = node.draining(),
                          .enrolled_at = instant_from_us(node.enrolled_us())};
}

Result<core::ModelRecord> decode_model(std::string_view value) {
  stored::Model model;
  boost::system::error_code error;
  if (!parse(model, value)) {
    return corrupt("model");
  }
  const auto json = boost::json::parse(model.manifest_json(), error);
  auto manifest = error ? fail(ErrorCode::kCorrupt, "") : manifest_from_json(json);
  if (!manifest) {
    return corrupt("model");
  }
  return core::ModelRecord{model.revision(), *std::move(manifest)};
}

Result<core::IdempotencyRecord> decode_idempotency(std::string_view key, std::string_view value) {
  stored::Idempotency entry;
  const auto split = key.find('\0');
  if (split == std::string_view::npos || !parse(entry, value) || entry.jobs().empty()) {
    return corrupt("idempotency key");
  }
  core::IdempotencyRecord record{.ns = std::string(key.substr(0, split)),
                                 .key = std::string(key.substr(split + 1)),
                                 .request_digest = entry.request_digest(),
                                 .jobs = {}};
  for (const auto job : entry.jobs()) {
    record.jobs.emplace_back().value = job;
  }
  return record;
}

Result<core::MetaRecord> decode_meta(std::string_view value) {
  stored::Meta meta;
  if (!parse(meta, value)) {
    return corrupt("epoch");
  }
  core::MetaRecord record{.epoch = {meta.epoch()},
                          .policy = {meta.policy(), meta.policy_version()},
                          .previous_policy = std::nullopt,
                          .shadows = {},
                          .operator_chose = meta.operator_chose(),
                          .last_revision = meta.last_revision()};
  if (meta.policy_version().empty()) {  // of an older version
    record.policy.version = "1";
    record.operator_chose = !meta.policy().empty() && meta.policy() != core::Settings{}.policy;
  }
  if (meta.has_previous_policy()) {
    record.previous_policy = policy_ref(meta.previous_policy());
  }
  for (const auto& shadow : meta.shadows()) {
    record.shadows.push_back(policy_ref(shadow));
  }
  return record;
}

Result<core::PolicyRecord> decode_policy(std::string_view key, std::string_view value) {
  stored::Policy policy;
  const auto split = key.find('\0');
  if (split == std::string_view::npos || !parse(policy, value)) {
    return corrupt("policy");
  }
  return core::PolicyRecord{
      .ref = {std::string(key.substr(0, split)), std::string(key.substr(split + 1))},
      .number = policy.number(),
      .applied_at = instant_from_us(policy.applied_us()),
      .bundle = std::make_shared<const std::string>(std::move(*policy.mutable_bundle())),
      .offered = policy.offered()};
}

}  // namespace skerry::records
