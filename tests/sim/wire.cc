#include "tests/sim/wire.h"

#include <utility>

namespace skerry::sim {

namespace {

core::AttemptRef ref(const agent::AttemptRef& attempt) {
  return {.job = attempt.job, .number = attempt.number, .uid = attempt.uid};
}
agent::AttemptRef ref(const core::AttemptRef& attempt) {
  return {.job = attempt.job, .number = attempt.number, .uid = attempt.uid};
}

std::vector<core::AttemptRef> refs(const std::vector<agent::AttemptRef>& attempts) {
  std::vector<core::AttemptRef> all;
  for (const agent::AttemptRef& attempt : attempts) {
    all.push_back(ref(attempt));
  }
  return all;
}

std::vector<core::LoadedVariant> loaded(const std::vector<agent::VariantRef>& variants) {
  std::vector<core::LoadedVariant> all;
  for (const agent::VariantRef& variant : variants) {
    all.push_back({{variant.model, variant.variant}, variant.revision});
  }
  return all;
}

core::Usage usage(const agent::Usage& usage) {
  return {.queue = usage.queue,
          .fetch = usage.fetch,
          .load = usage.load,
          .service = usage.service,
          .energy_j = usage.energy_j,
          .energy_source = usage.energy_source,
          .cost_usd = usage.cost_usd};
}

core::AttemptOutcome outcome(agent::Outcome outcome) {
  switch (outcome) {
    case agent::Outcome::kSucceeded:
      return core::AttemptOutcome::kSucceeded;
    case agent::Outcome::kModelFailed:
      return core::AttemptOutcome::kModelFailed;
    case agent::Outcome::kCrashed:
      return core::AttemptOutcome::kCrashed;
    case agent::Outcome::kInfrastructure:
      return core::AttemptOutcome::kInfrastructure;
    case agent::Outcome::kCancelled:
      return core::AttemptOutcome::kCancelled;
    case agent::Outcome::kExpired:
      return core::AttemptOutcome::kExpired;
    case agent::Outcome::kSequenceLost:
      return core::AttemptOutcome::kSequenceLost;
  }
  std::unreachable();
}

agent::SequenceStep step(core::SequenceStep step) {
  return step == core::SequenceStep::kBegins ? agent::SequenceStep::kBegins
                                             : agent::SequenceStep::kContinues;
}

struct ToCore {
  SessionId session;

  std::optional<core::Event> operator()(agent::Hello& hello) const {
    const agent::Capabilities& node = hello.capabilities;
    core::AgentHello event{.session = session,
                           .identity = hello.identity,
                           .incarnation = hello.incarnation,
                           .energy_source = node.energy_source,
                           .devices = node.devices,
                           .software_version = hello.software_version,
                           .capacity = hello.capacity,
                           .running = refs(hello.running),
                           .spooled = refs(hello.spooled),
                           .resident = loaded(hello.resident),
                           .alone = hello.alone};
    event.node = {.name = hello.node_name,
                  .tier = scheduler::parse_tier(node.tier).value_or(scheduler::Tier::kEdge),
                  .site = node.site,
                  .labels = node.labels,
                  .engines = node.engines,
                  .slots = node.slots,
                  .memory_bytes = node.memory_bytes,
                  .speed = node.speed,
                  .power = {.idle_w = node.idle_w,
                            .busy_w = node.busy_w,
                            .transfer_j_per_byte = node.transfer_j_per_byte},
                  .price_usd_per_hour = node.price_usd_per_hour,
                  .rtt_s = node.rtt_s};
    return event;
  }
  std::optional<core::Event> operator()(agent::Heartbeat& heartbeat) const {
    return core::AgentHeartbeat{.session = session, .rtt = heartbeat.rtt, .telemetry = {}};
  }
  std::optional<core::Event> operator()(agent::Started& started) const {
    return core::AttemptStarted{session, ref(started.attempt)};
  }
  std::optional<core::Event> operator()(agent::Ended& ended) const {
    return core::AttemptEnded{.session = session,
                              .attempt = ref(ended.attempt),
                              .outcome = outcome(ended.outcome),
                              .error = std::move(ended.error),
                              .output = std::move(ended.output),
                              .usage = usage(ended.usage)};
  }
  std::optional<core::Event> operator()(agent::Returned& returned) const {
    return core::AttemptReturned{session, ref(returned.attempt), std::move(returned.reason)};
  }
  std::optional<core::Event> operator()(agent::Credits& credits) const {
    return core::CreditsChanged{session, credits.capacity};
  }
  std::optional<core::Event> operator()(agent::ProbeResult& probe) const {
    return core::ProbeEnded{.session = session,
                            .variant = {probe.variant.model, probe.variant.variant},
                            .revision = probe.variant.revision,
                            .error = std::move(probe.error),
                            .load = probe.load,
                            .service = std::move(probe.service),
                            .memory_bytes = probe.memory_bytes};
  }
  std::optional<core::Event> operator()(agent::Resident& resident) const {
    return core::ResidentChanged{session, loaded(resident.variants)};
  }
  std::optional<core::Event> operator()(agent::Refused& /*refused*/) const { return std::nullopt; }
  std::optional<core::Event> operator()(agent::Goodbye& /*goodbye*/) const { return std::nullopt; }
  std::optional<core::Event> operator()(agent::SiteJob& /*job*/) const { return std::nullopt; }
};

struct ToAgent {
  const std::string& manifest_json;
  Instant heartbeat_sent;

  agent::ToAgent operator()(const core::WelcomeAgent& welcome) const {
    return agent::Welcome{.epoch = welcome.epoch, .session = "s", .heartbeat = welcome.heartbeat};
  }
  agent::ToAgent operator()(const core::RefuseAgent& refusal) const {
    return agent::Refused{.seq = 0,
                          .code = std::string(to_string(refusal.error.code)),
                          .message = refusal.error.message};
  }
  agent::ToAgent operator()(const core::AckHeartbeat& /*ack*/) const {
    return agent::HeartbeatAck{.sent = heartbeat_sent};
  }
  agent::ToAgent operator()(const core::AssignAttempt& assign) const {
    return agent::Assign{.attempt = ref(assign.attempt),
                         .model = assign.model,
                         .variant = assign.variant,
                         .manifest_json = manifest_json,
                         .manifest_revision = assign.manifest_revision,
                         .input = assign.input,
                         .remaining = assign.remaining,
                         .sequence = assign.sequence,
                         .sequence_step = assign.sequence.empty() ? agent::SequenceStep::kAny
                                                                  : step(assign.sequence_step),
                         .epoch = assign.epoch,
                         .interactive = assign.interactive,
                         .ns = assign.ns};
  }
  agent::ToAgent operator()(const core::CancelAttempt& cancel) const {
    return agent::Cancel{
        .attempt = ref(cancel.attempt), .epoch = cancel.epoch, .reason = cancel.reason};
  }
  agent::ToAgent operator()(const core::AckResult& ack) const {
    return agent::ResultAck{.attempt = ref(ack.attempt), .committed = ack.committed};
  }
  agent::ToAgent operator()(const core::ProbeVariant& probe) const {
    return agent::Probe{.model = probe.model,
                        .variant = probe.variant,
                        .manifest_json = manifest_json,
                        .manifest_revision = probe.manifest_revision,
                        .runs = probe.runs,
                        .resident_only = probe.resident_only};
  }
  agent::ToAgent operator()(const core::SetNodeMode& mode) const {
    return agent::NodeMode{.draining = mode.draining};
  }
  // Simulated nodes have no site API.
  agent::ToAgent operator()(const core::GiveOrders& /*orders*/) const { return agent::Unknown{}; }
  agent::ToAgent operator()(const core::TakeSiteJob& /*taken*/) const { return agent::Unknown{}; }
};

}  // namespace

std::optional<core::Event> to_core(agent::ToController message, SessionId session) {
  return std::visit(ToCore{session}, message);
}

agent::ToAgent to_agent(const core::AgentCommand& command, const std::string& manifest_json,
                        Instant heartbeat_sent) {
  return std::visit(ToAgent{manifest_json, heartbeat_sent}, command);
}

}  // namespace skerry::sim
