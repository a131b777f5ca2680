#include "controller/hub/translate.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "controller/hub/validate.h"
#include "controller/records/site_job.h"

namespace skerry::hub {
namespace {

constexpr double kMicro = 1e-6;
constexpr double kPico = 1e-12;

Duration duration(std::uint64_t us) { return Duration(static_cast<std::int64_t>(us)); }
std::uint64_t to_us(Duration d) {
  return d.count() > 0 ? static_cast<std::uint64_t>(d.count()) : 0;
}

// At most kMaxReasonBytes, and no half of a UTF-8 character at the end.
std::string cut(const std::string& text) {
  if (text.size() <= kMaxReasonBytes) {
    return text;
  }
  std::size_t end = kMaxReasonBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  return text.substr(0, end);
}

core::VariantName variant_name(const v1::VariantRef& variant) {
  return {.model = variant.model(), .variant = variant.variant()};
}

template <typename Wire>
std::vector<core::LoadedVariant> loaded_variants(const Wire& variants) {
  std::vector<core::LoadedVariant> loaded;
  loaded.reserve(static_cast<std::size_t>(variants.size()));
  for (const v1::VariantRef& variant : variants) {
    loaded.push_back({.name = variant_name(variant), .revision = variant.manifest_revision()});
  }
  return loaded;
}

template <typename Wire>
std::vector<core::AttemptRef> attempts(const Wire& wire) {
  std::vector<core::AttemptRef> refs;
  refs.reserve(static_cast<std::size_t>(wire.size()));
  for (const v1::AttemptRef& attempt : wire) {
    refs.push_back(from_wire(attempt));
  }
  return refs;
}

core::AttemptOutcome outcome(v1::Outcome wire) {
  switch (wire) {
    case v1::OUTCOME_SUCCEEDED:
      return core::AttemptOutcome::kSucceeded;
    case v1::OUTCOME_MODEL_FAILED:
      return core::AttemptOutcome::kModelFailed;
    case v1::OUTCOME_CRASHED:
      return core::AttemptOutcome::kCrashed;
    case v1::OUTCOME_INFRASTRUCTURE:
      return core::AttemptOutcome::kInfrastructure;
    case v1::OUTCOME_CANCELLED:
      return core::AttemptOutcome::kCancelled;
    case v1::OUTCOME_EXPIRED:
      return core::AttemptOutcome::kExpired;
    case v1::OUTCOME_SEQUENCE_LOST:
      return core::AttemptOutcome::kSequenceLost;
    default:
      break;
  }
  check(false, "an outcome that validate() lets pass has a translation");
  std::unreachable();
}

scheduler::NodeSpec node_spec(const v1::Hello& hello) {
  const v1::Capabilities& node = hello.capabilities();
  scheduler::NodeSpec spec;
  spec.name = hello.node_name();
  spec.tier = scheduler::parse_tier(node.tier()).value_or(spec.tier);
  spec.site = node.site();
  spec.labels.insert(node.labels().begin(), node.labels().end());
  spec.engines.assign(node.engines().begin(), node.engines().end());
  spec.slots = node.slots();
  spec.memory_bytes = node.memory_bytes();
  spec.speed = node.speed();
  spec.power = {.idle_w = node.idle_w(),
                .busy_w = node.busy_w(),
                .transfer_j_per_byte = node.transfer_j_per_byte()};
  spec.price_usd_per_hour = node.price_usd_per_hour();
  spec.rtt_s = node.rtt_s();
  if (node.bandwidth_bytes_per_s() > 0) {
    spec.bandwidth_bytes_per_s = node.bandwidth_bytes_per_s();
  }
  return spec;
}

}  // namespace

core::AttemptRef from_wire(const v1::AttemptRef& attempt) {
  core::AttemptRef ref;
  ref.job.value = attempt.job_id();
  ref.number = attempt.attempt();
  ref.uid = {.high = attempt.uid_high(), .low = attempt.uid_low()};
  return ref;
}

core::Usage from_wire(const v1::Usage& usage) {
  return {.queue = duration(usage.queue_us()),
          .fetch = duration(usage.fetch_us()),
          .load = duration(usage.load_us()),
          .service = duration(usage.service_us()),
          .energy_j = static_cast<double>(usage.energy_uj()) * kMicro,
          .energy_source = usage.energy_source(),
          .cost_usd = static_cast<double>(usage.cost_pico_usd()) * kPico};
}

core::Telemetry from_wire(const v1::Telemetry& t) {
  return {.cpu_fraction = std::min<double>(t.cpu_fraction(), 1),
          .memory_used_bytes = t.memory_used_bytes(),
          .memory_total_bytes = t.memory_total_bytes(),
          .load_1m = t.load_1m(),
          .temperature_c = t.temperature_c(),
          .power_w = t.power_w(),
          .power_source = t.power_source(),
          .queued = t.queued(),
          .running = t.running(),
          .spooled = t.spooled(),
          .spool_full = t.spool_full(),
          .bandwidth_bytes_per_s = t.bandwidth_bytes_per_s(),
          .gpu_fraction = std::min<double>(t.gpu_fraction(), 1),
          .gpu_memory_used_bytes = t.gpu_memory_used_bytes(),
          .gpu_memory_total_bytes = t.gpu_memory_total_bytes()};
}

Payload from_wire(v1::PayloadRef& payload) {
  if (!payload.blob().empty()) {
    return Payload::stored(payload.blob(), payload.size_bytes());
  }
  return payload.inline_().empty() ? Payload{}
                                   : Payload::inlined(std::move(*payload.mutable_inline_()));
}

core::AgentHello from_wire(const v1::Hello& hello, SessionId session) {
  return {.session = session,
          .identity = hello.identity(),
          .incarnation = hello.incarnation(),
          .node = node_spec(hello),
          .energy_source = hello.capabilities().energy_source(),
          .devices = {hello.capabilities().devices().begin(), hello.capabilities().devices().end()},
          .software_version = hello.software_version(),
          .capacity = hello.capacity(),
          .running = attempts(hello.running()),
          .spooled = attempts(hello.spooled()),
          .resident = loaded_variants(hello.resident()),
          .alone = duration(hello.alone_us()),
          .site_api = hello.site_api()};
}

core::AgentHeartbeat from_wire(const v1::Heartbeat& heartbeat, SessionId session) {
  return {.session = session,
          .rtt = duration(heartbeat.rtt_us()),
          .telemetry = from_wire(heartbeat.telemetry())};
}

core::AttemptStarted from_wire(const v1::AttemptStarted& started, SessionId session) {
  return {.session = session, .attempt = from_wire(started.attempt())};
}

core::AttemptEnded from_wire(v1::AttemptResult& result, SessionId session) {
  core::AttemptEnded ended{.session = session,
                           .attempt = from_wire(result.attempt()),
                           .outcome = outcome(result.outcome()),
                           .error = cut(result.error()),
                           .output = {},
                           .usage = from_wire(result.usage())};
  if (ended.outcome == core::AttemptOutcome::kSucceeded) {
    ended.output = from_wire(*result.mutable_output());
  }
  return ended;
}

core::AttemptEnded unusable_result(const v1::AttemptRef& attempt, const Error& error,
                                   SessionId session) {
  return {.session = session,
          .attempt = from_wire(attempt),
          .outcome = core::AttemptOutcome::kInfrastructure,
          .error = fmt::format("its result could not be taken: {}", error.message),
          .output = {},
          .usage = {}};
}

core::AttemptReturned from_wire(const v1::AttemptReturned& returned, SessionId session) {
  return {.session = session,
          .attempt = from_wire(returned.attempt()),
          .reason = cut(returned.reason())};
}

core::CreditsChanged from_wire(const v1::Credits& credits, SessionId session) {
  return {.session = session, .capacity = credits.capacity()};
}

core::ProbeEnded from_wire(const v1::ProbeResult& result, SessionId session) {
  core::ProbeEnded ended{.session = session,
                         .variant = variant_name(result.variant()),
                         .revision = result.variant().manifest_revision(),
                         .error = cut(result.error()),
                         .load = duration(result.load_us()),
                         .service = {},
                         .memory_bytes = result.memory_bytes()};
  std::ranges::transform(result.service_us(), std::back_inserter(ended.service), duration);
  return ended;
}

core::ResidentChanged from_wire(const v1::Resident& resident, SessionId session) {
  return {.session = session, .variants = loaded_variants(resident.variants())};
}

Result<core::SiteJobBrought> from_wire(v1::SiteJob& job, SessionId session) {
  records::SiteJobBytes bytes{.job = std::move(*job.mutable_job()),
                              .task = std::move(*job.mutable_task()),
                              .result = std::move(*job.mutable_result())};
  bytes.id.value = job.id();
  auto decoded = records::decode_site_job(bytes);
  if (!decoded) {
    return fail(std::move(decoded).error());
  }
  return core::SiteJobBrought{.session = session, .job = *std::move(decoded)};
}

namespace {

template <typename Message>
Result<core::Event> checked(Message& message, SessionId session) {
  if (Status valid = validate(message); !valid) {
    return fail(std::move(valid).error());
  }
  return core::Event(from_wire(message, session));
}

}  // namespace

Result<core::Event> event_of(v1::AgentMessage& message, SessionId session) {
  switch (message.body_case()) {
    case v1::AgentMessage::kHello:
      return checked(*message.mutable_hello(), session);
    case v1::AgentMessage::kHeartbeat:
      return checked(*message.mutable_heartbeat(), session);
    case v1::AgentMessage::kStarted:
      return checked(*message.mutable_started(), session);
    case v1::AgentMessage::kResult:
      return checked(*message.mutable_result(), session);
    case v1::AgentMessage::kReturned:
      return checked(*message.mutable_returned(), session);
    case v1::AgentMessage::kCredits:
      return checked(*message.mutable_credits(), session);
    case v1::AgentMessage::kProbeResult:
      return checked(*message.mutable_probe_result(), session);
    case v1::AgentMessage::kResident:
      return checked(*message.mutable_resident(), session);
    default:
      return fail(ErrorCode::kUnsupported, "this kind of message is not known here");
  }
}

void to_wire(const core::AttemptRef& attempt, v1::AttemptRef& wire) {
  wire.set_job_id(attempt.job.value);
  wire.set_attempt(attempt.number);
  wire.set_uid_high(attempt.uid.high);
  wire.set_uid_low(attempt.uid.low);
}

void to_wire(const Payload& payload, v1::PayloadRef& wire) {
  if (payload.bytes) {
    wire.set_inline_(*payload.bytes);
  }
  wire.set_blob(payload.blob);
  wire.set_size_bytes(payload.size_bytes);
}

void to_wire(const core::WelcomeAgent& welcome, const WelcomeFacts& facts,
             v1::ControllerMessage& wire) {
  v1::Welcome& message = *wire.mutable_welcome();
  message.set_version(facts.version);
  message.set_epoch(welcome.epoch.value);
  message.set_session(fmt::format("s{}", facts.session.value));
  message.set_heartbeat_us(to_us(welcome.heartbeat));
  message.set_now_us(static_cast<std::uint64_t>(skerry::to_us(facts.now)));
}

void to_wire(const core::AssignAttempt& assign, const VariantSource& source,
             v1::ControllerMessage& wire) {
  v1::Assign& message = *wire.mutable_assign();
  to_wire(assign.attempt, *message.mutable_attempt());
  message.set_model(assign.model);
  message.set_variant(assign.variant);
  message.set_artifact(source.artifact);
  message.set_artifact_bytes(source.artifact_bytes);
  if (source.manifest_json) {
    message.set_manifest_json(*source.manifest_json);
  }
  message.set_manifest_revision(assign.manifest_revision);
  to_wire(assign.input, *message.mutable_input());
  // 0 says "no deadline" on the wire, so one that has just passed is sent as the shortest time.
  message.set_remaining_us(assign.remaining.count() < 0 ? 1 : to_us(assign.remaining));
  message.set_sequence(assign.sequence);
  if (!assign.sequence.empty()) {
    message.set_sequence_step(assign.sequence_step == core::SequenceStep::kContinues
                                  ? v1::SEQUENCE_STEP_CONTINUES
                                  : v1::SEQUENCE_STEP_BEGINS);
  }
  message.set_epoch(assign.epoch.value);
  message.set_interactive(assign.interactive);
  message.set_ns(assign.ns);
}

void to_wire(const core::ProbeVariant& probe, const VariantSource& source,
             v1::ControllerMessage& wire) {
  v1::Probe& message = *wire.mutable_probe();
  message.set_model(probe.model);
  message.set_variant(probe.variant);
  message.set_artifact(source.artifact);
  message.set_artifact_bytes(source.artifact_bytes);
  if (source.manifest_json) {
    message.set_manifest_json(*source.manifest_json);
  }
  message.set_manifest_revision(probe.manifest_revision);
  message.set_runs(probe.runs);
  message.set_resident_only(probe.resident_only);
}

void to_wire(const core::CancelAttempt& cancel, v1::ControllerMessage& wire) {
  v1::Cancel& message = *wire.mutable_cancel();
  to_wire(cancel.attempt, *message.mutable_attempt());
  message.set_epoch(cancel.epoch.value);
  message.set_reason(cancel.reason);
}

void to_wire(const core::AckResult& ack, v1::ControllerMessage& wire) {
  v1::ResultAck& message = *wire.mutable_result_ack();
  to_wire(ack.attempt, *message.mutable_attempt());
  message.set_committed(ack.committed);
}

void to_wire(const core::SetNodeMode& mode, v1::ControllerMessage& wire) {
  wire.mutable_node_mode()->set_draining(mode.draining);
}

void to_wire(const core::TakeSiteJob& taken, v1::ControllerMessage& wire) {
  v1::SiteJobTaken& message = *wire.mutable_site_job_taken();
  message.set_id(taken.job.value);
  message.set_taken_as(taken.taken_as.value);
  message.set_error(cut(taken.error));
}

void to_wire(const core::GiveOrders& orders, const OrderFacts& facts, v1::ControllerMessage& wire) {
  v1::StandingOrders& message = *wire.mutable_standing_orders();
  for (std::size_t i = 0; i < orders.models.size(); ++i) {
    if (facts.manifests.at(i) != nullptr) {
      auto& model = *message.add_models();
      model.set_revision(orders.models[i].revision);
      model.set_manifest_json(*facts.manifests[i]);
    }
  }
  for (const core::GiveOrders::Token& from : orders.tokens) {
    auto& token = *message.add_tokens();
    token.set_id(from.id);
    token.set_secret_hash(from.secret_hash);
    token.mutable_readers()->Assign(from.readers.begin(), from.readers.end());
    token.mutable_submitters()->Assign(from.submitters.begin(), from.submitters.end());
    token.set_expires_us(to_us(from.expires_at));
    token.set_reads_metrics(from.reads_metrics);
  }
  message.set_policy(orders.policy);
  if (orders.bundle != nullptr) {
    message.set_bundle(*orders.bundle);
  }
  message.set_api_url(facts.api_url);
  message.set_api_port(facts.api_port);
  message.set_api_tls(facts.api_tls);
}

void to_wire(const Error& error, std::uint64_t refused_seq, v1::ControllerMessage& wire) {
  v1::Refused& message = *wire.mutable_refused();
  message.set_seq(refused_seq);
  message.set_code(std::string(to_string(error.code)));
  message.set_message(cut(error.message));
}

}  // namespace skerry::hub
