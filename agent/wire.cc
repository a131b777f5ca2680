#include "agent/wire.h"

#include <algorithm>
#include <cmath>

#include "common/utf8.h"

namespace skerry::agent {
namespace {

constexpr std::size_t kMaxErrorBytes = 4096;

std::uint64_t us(Duration d) { return d.count() > 0 ? static_cast<std::uint64_t>(d.count()) : 0; }
std::uint64_t micro(double value) {
  return value > 0 ? static_cast<std::uint64_t>(std::llround(std::min(value, 1e9) * 1e6)) : 0;
}
std::uint64_t pico(double value) {
  return value > 0 ? static_cast<std::uint64_t>(std::llround(std::min(value, 1e6) * 1e12)) : 0;
}
Duration duration(std::uint64_t us_count) {
  constexpr std::uint64_t kCenturyUs = 100ull * 365 * 24 * 3600 * 1'000'000;
  return Duration(static_cast<std::int64_t>(std::min(us_count, kCenturyUs)));
}

void put(const AttemptRef& ref, v1::AttemptRef& to) {
  to.set_job_id(ref.job.value);
  to.set_attempt(ref.number);
  to.set_uid_high(ref.uid.high);
  to.set_uid_low(ref.uid.low);
}
AttemptRef get(const v1::AttemptRef& from) {
  AttemptRef ref;
  ref.job.value = from.job_id();
  ref.number = from.attempt();
  ref.uid = {.high = from.uid_high(), .low = from.uid_low()};
  return ref;
}

void put(const VariantRef& ref, v1::VariantRef& to) {
  to.set_model(ref.model);
  to.set_variant(ref.variant);
  to.set_manifest_revision(ref.revision);
}

void put(const Payload& payload, v1::PayloadRef& to) {
  if (payload.bytes) {
    to.set_inline_(*payload.bytes);
  }
  to.set_blob(payload.blob);
  to.set_size_bytes(payload.size_bytes);
}
Payload get(v1::PayloadRef& from) {
  return from.blob().empty() ? Payload::inlined(std::move(*from.mutable_inline_()))
                             : Payload::stored(from.blob(), from.size_bytes());
}

void put(const Capabilities& c, v1::Capabilities& to) {
  to.set_tier(c.tier);
  to.set_site(c.site);
  to.mutable_labels()->insert(c.labels.begin(), c.labels.end());
  to.mutable_engines()->Assign(c.engines.begin(), c.engines.end());
  to.set_slots(c.slots);
  to.set_memory_bytes(c.memory_bytes);
  to.set_speed(c.speed);
  to.set_idle_w(c.idle_w);
  to.set_busy_w(c.busy_w);
  to.set_transfer_j_per_byte(c.transfer_j_per_byte);
  to.set_price_usd_per_hour(c.price_usd_per_hour);
  to.set_rtt_s(c.rtt_s);
  to.set_bandwidth_bytes_per_s(c.bandwidth_bytes_per_s);
  to.set_energy_source(c.energy_source);
  to.mutable_devices()->Assign(c.devices.begin(), c.devices.end());
}

void put(const Telemetry& t, v1::Telemetry& to) {
  to.set_cpu_fraction(static_cast<float>(t.cpu_fraction));
  to.set_memory_used_bytes(t.memory_used_bytes);
  to.set_memory_total_bytes(t.memory_total_bytes);
  to.set_load_1m(static_cast<float>(t.load_1m));
  to.set_temperature_c(static_cast<float>(t.temperature_c));
  to.set_power_w(static_cast<float>(t.power_w));
  to.set_power_source(t.power_source);
  to.set_queued(t.queued);
  to.set_running(t.running);
  to.set_spooled(t.spooled);
  to.set_spool_full(t.spool_full);
  to.set_bandwidth_bytes_per_s(t.bandwidth_bytes_per_s);
  to.set_gpu_fraction(static_cast<float>(t.gpu_fraction));
  to.set_gpu_memory_used_bytes(t.gpu_memory_used_bytes);
  to.set_gpu_memory_total_bytes(t.gpu_memory_total_bytes);
}

v1::Outcome to_wire(Outcome outcome) {
  switch (outcome) {
    case Outcome::kSucceeded:
      return v1::OUTCOME_SUCCEEDED;
    case Outcome::kModelFailed:
      return v1::OUTCOME_MODEL_FAILED;
    case Outcome::kCrashed:
      return v1::OUTCOME_CRASHED;
    case Outcome::kInfrastructure:
      return v1::OUTCOME_INFRASTRUCTURE;
    case Outcome::kCancelled:
      return v1::OUTCOME_CANCELLED;
    case Outcome::kExpired:
      return v1::OUTCOME_EXPIRED;
    case Outcome::kSequenceLost:
      return v1::OUTCOME_SEQUENCE_LOST;
  }
  return v1::OUTCOME_UNSPECIFIED;
}

// One overload per kind of message: fills in the body.
void put(const Hello& hello, v1::AgentMessage& message) {
  v1::Hello& to = *message.mutable_hello();
  to.set_min_version(kMinProtocolVersion);
  to.set_max_version(kMaxProtocolVersion);
  to.set_node_name(hello.node_name);
  to.set_identity(hello.identity);
  to.set_incarnation(hello.incarnation);
  put(hello.capabilities, *to.mutable_capabilities());
  for (const AttemptRef& ref : hello.running) {
    put(ref, *to.add_running());
  }
  for (const AttemptRef& ref : hello.spooled) {
    put(ref, *to.add_spooled());
  }
  to.set_capacity(hello.capacity);
  for (const VariantRef& variant : hello.resident) {
    put(variant, *to.add_resident());
  }
  to.set_software_version(hello.software_version);
  to.set_alone_us(us(hello.alone));
  to.set_site_api(hello.site_api);
}
void put(const Heartbeat& heartbeat, v1::AgentMessage& message) {
  v1::Heartbeat& to = *message.mutable_heartbeat();
  to.set_sent_us(static_cast<std::uint64_t>(to_us(heartbeat.sent)));
  to.set_rtt_us(us(heartbeat.rtt));
  put(heartbeat.telemetry, *to.mutable_telemetry());
}
void put(const Started& started, v1::AgentMessage& message) {
  put(started.attempt, *message.mutable_started()->mutable_attempt());
}
void put(const Ended& ended, v1::AgentMessage& message) {
  v1::AttemptResult& to = *message.mutable_result();
  put(ended.attempt, *to.mutable_attempt());
  to.set_outcome(to_wire(ended.outcome));
  to.set_error(printable(ended.error, kMaxErrorBytes));
  put(ended.output, *to.mutable_output());
  v1::Usage& usage = *to.mutable_usage();
  usage.set_queue_us(us(ended.usage.queue));
  usage.set_fetch_us(us(ended.usage.fetch));
  usage.set_load_us(us(ended.usage.load));
  usage.set_service_us(us(ended.usage.service));
  usage.set_energy_uj(micro(ended.usage.energy_j));
  usage.set_energy_source(ended.usage.energy_source);
  usage.set_cost_pico_usd(pico(ended.usage.cost_usd));
}
void put(const Returned& returned, v1::AgentMessage& message) {
  put(returned.attempt, *message.mutable_returned()->mutable_attempt());
  message.mutable_returned()->set_reason(printable(returned.reason, kMaxErrorBytes));
}
void put(const Credits& credits, v1::AgentMessage& message) {
  message.mutable_credits()->set_capacity(credits.capacity);
}
void put(const ProbeResult& result, v1::AgentMessage& message) {
  v1::ProbeResult& to = *message.mutable_probe_result();
  put(result.variant, *to.mutable_variant());
  to.set_error(printable(result.error, kMaxErrorBytes));
  to.set_load_us(us(result.load));
  for (const Duration service : result.service) {
    to.add_service_us(us(service));
  }
  to.set_memory_bytes(result.memory_bytes);
}
void put(const Resident& resident, v1::AgentMessage& message) {
  v1::Resident& to = *message.mutable_resident();
  for (const VariantRef& variant : resident.variants) {
    put(variant, *to.add_variants());
  }
}
void put(const Refused& refused, v1::AgentMessage& message) {
  v1::Refused& to = *message.mutable_refused();
  to.set_seq(refused.seq);
  to.set_code(refused.code);
  to.set_message(refused.message);
}
void put(const Goodbye& goodbye, v1::AgentMessage& message) {
  message.mutable_goodbye()->set_reason(goodbye.reason);
}

void put(const SiteJob& job, v1::AgentMessage& message) {
  v1::SiteJob& to = *message.mutable_site_job();
  to.set_id(job.id.value);
  to.set_job(job.job);
  to.set_task(job.task);
  to.set_result(job.result);
}

SequenceStep get(v1::SequenceStep from) {
  switch (from) {
    case v1::SEQUENCE_STEP_BEGINS:
      return SequenceStep::kBegins;
    case v1::SEQUENCE_STEP_CONTINUES:
      return SequenceStep::kContinues;
    default:
      return SequenceStep::kAny;
  }
}
ToAgent get(v1::Assign& from) {
  return Assign{.attempt = get(from.attempt()),
                .model = std::move(*from.mutable_model()),
                .variant = std::move(*from.mutable_variant()),
                .artifact = std::move(*from.mutable_artifact()),
                .artifact_bytes = from.artifact_bytes(),
                .manifest_json = std::move(*from.mutable_manifest_json()),
                .manifest_revision = from.manifest_revision(),
                .input = get(*from.mutable_input()),
                .remaining = duration(from.remaining_us()),
                .sequence = std::move(*from.mutable_sequence()),
                .sequence_step = get(from.sequence_step()),
                .epoch = Epoch{from.epoch()},
                .interactive = from.interactive(),
                .ns = std::move(*from.mutable_ns())};
}
ToAgent get(v1::Probe& from) {
  return Probe{.model = std::move(*from.mutable_model()),
               .variant = std::move(*from.mutable_variant()),
               .artifact = std::move(*from.mutable_artifact()),
               .artifact_bytes = from.artifact_bytes(),
               .manifest_json = std::move(*from.mutable_manifest_json()),
               .manifest_revision = from.manifest_revision(),
               .runs = from.runs(),
               .resident_only = from.resident_only()};
}

ToAgent get(v1::StandingOrders& from) {
  StandingOrders orders{.policy = std::move(*from.mutable_policy()),
                        .bundle = std::move(*from.mutable_bundle()),
                        .api_url = std::move(*from.mutable_api_url()),
                        .api_port = from.api_port(),
                        .api_tls = from.api_tls()};
  for (v1::StandingOrders::Model& model : *from.mutable_models()) {
    orders.models.push_back(
        {.revision = model.revision(), .manifest_json = std::move(*model.mutable_manifest_json())});
  }
  for (v1::StandingOrders::Token& token : *from.mutable_tokens()) {
    orders.tokens.push_back({.id = std::move(*token.mutable_id()),
                             .secret_hash = std::move(*token.mutable_secret_hash()),
                             .readers = {token.readers().begin(), token.readers().end()},
                             .submitters = {token.submitters().begin(), token.submitters().end()},
                             .reads_metrics = token.reads_metrics(),
                             .expires_at = instant_from_us(token.expires_us())});
  }
  return orders;
}
ToAgent get(v1::SiteJobTaken& from) {
  SiteJobTaken taken{.error = std::move(*from.mutable_error())};
  taken.id.value = from.id();
  taken.taken_as.value = from.taken_as();
  return taken;
}

ToAgent body_of(v1::ControllerMessage& message) {
  switch (message.body_case()) {
    case v1::ControllerMessage::kWelcome:
      return Welcome{.version = message.welcome().version(),
                     .epoch = Epoch{message.welcome().epoch()},
                     .session = message.welcome().session(),
                     .heartbeat = duration(message.welcome().heartbeat_us())};
    case v1::ControllerMessage::kHeartbeatAck:
      return HeartbeatAck{
          .sent = instant_from_us(static_cast<std::int64_t>(message.heartbeat_ack().sent_us()))};
    case v1::ControllerMessage::kAssign:
      return get(*message.mutable_assign());
    case v1::ControllerMessage::kCancel:
      return Cancel{.attempt = get(message.cancel().attempt()),
                    .epoch = Epoch{message.cancel().epoch()},
                    .reason = message.cancel().reason()};
    case v1::ControllerMessage::kResultAck:
      return ResultAck{.attempt = get(message.result_ack().attempt()),
                       .committed = message.result_ack().committed()};
    case v1::ControllerMessage::kProbe:
      return get(*message.mutable_probe());
    case v1::ControllerMessage::kRefused:
      return Refused{.seq = message.refused().seq(),
                     .code = message.refused().code(),
                     .message = message.refused().message()};
    case v1::ControllerMessage::kNodeMode:
      return NodeMode{.draining = message.node_mode().draining()};
    case v1::ControllerMessage::kStandingOrders:
      return get(*message.mutable_standing_orders());
    case v1::ControllerMessage::kSiteJobTaken:
      return get(*message.mutable_site_job_taken());
    case v1::ControllerMessage::BODY_NOT_SET:
      break;
  }
  return Unknown{};
}

}  // namespace

v1::AgentFrame to_wire(const std::vector<Outgoing>& messages) {
  v1::AgentFrame frame;
  for (const Outgoing& outgoing : messages) {
    v1::AgentMessage& message = *frame.add_messages();
    message.set_seq(outgoing.seq);
    std::visit([&](const auto& body) { put(body, message); }, outgoing.body);
  }
  return frame;
}

std::vector<Incoming> from_wire(v1::ControllerFrame& frame) {
  std::vector<Incoming> messages;
  messages.reserve(static_cast<std::size_t>(frame.messages_size()));
  for (v1::ControllerMessage& message : *frame.mutable_messages()) {
    messages.push_back({.seq = message.seq(), .body = body_of(message)});
  }
  return messages;
}

}  // namespace skerry::agent
