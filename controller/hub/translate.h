// translate.h: between the wire's messages and the core's values. The only file of the hub that
// knows both in detail.
//
// From agents: expects what validate.h let pass. Texts of people are cut to kMaxReasonBytes, whole
// characters. What the wire leaves out as zero keeps the core's default where there is one (the
// bandwidth of a link). To agents: fills one ControllerMessage but its seq, which out_queue.h
// counts.
//
// Pure; call from anywhere.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "controller/core/effects.h"
#include "controller/core/events.h"
#include "skerry/v1/agent.pb.h"

namespace skerry::hub {

constexpr std::size_t kMaxReasonBytes = 4096;

// ---- from agents
core::AttemptRef from_wire(const v1::AttemptRef& attempt);
core::Usage from_wire(const v1::Usage& usage);
core::Telemetry from_wire(const v1::Telemetry& telemetry);
// Moves the inline bytes out.
Payload from_wire(v1::PayloadRef& payload);

core::AgentHello from_wire(const v1::Hello& hello, SessionId session);
core::AgentHeartbeat from_wire(const v1::Heartbeat& heartbeat, SessionId session);
core::AttemptStarted from_wire(const v1::AttemptStarted& started, SessionId session);
core::AttemptEnded from_wire(v1::AttemptResult& result, SessionId session);
// What the core is told of a result that cannot be taken: the attempt ended for no fault of its
// model, so the task is tried again. Kept from the core, the attempt would never end, since the
// agent has nothing else to say about it.
core::AttemptEnded unusable_result(const v1::AttemptRef& attempt, const Error& error,
                                   SessionId session);
core::AttemptReturned from_wire(const v1::AttemptReturned& returned, SessionId session);
core::CreditsChanged from_wire(const v1::Credits& credits, SessionId session);
core::ProbeEnded from_wire(const v1::ProbeResult& result, SessionId session);
core::ResidentChanged from_wire(const v1::Resident& resident, SessionId session);

// kCorrupt if it does not decode.
Result<core::SiteJobBrought> from_wire(v1::SiteJob& job, SessionId session);

// What a message tells the core, checked (validate.h) and translated, of the kinds that can be told as they
// are: all but goodbyes, refusals and brought jobs. kUnsupported for the others.
Result<core::Event> event_of(v1::AgentMessage& message, SessionId session);

// ---- to agents
void to_wire(const core::AttemptRef& attempt, v1::AttemptRef& wire);
void to_wire(const Payload& payload, v1::PayloadRef& wire);

// What an assignment or a probe says of its variant beside the core's command.
struct VariantSource {
  std::string artifact;  // digest; empty for engines without one
  std::uint64_t artifact_bytes = 0;
  std::shared_ptr<const std::string> manifest_json;  // null: the agent has this revision
};
// What a welcome says beside the core's command.
struct WelcomeFacts {
  std::uint32_t version = 0;
  SessionId session;
  Instant now;
};

void to_wire(const core::WelcomeAgent& welcome, const WelcomeFacts& facts,
             v1::ControllerMessage& wire);
void to_wire(const core::AssignAttempt& assign, const VariantSource& source,
             v1::ControllerMessage& wire);
void to_wire(const core::ProbeVariant& probe, const VariantSource& source,
             v1::ControllerMessage& wire);
void to_wire(const core::CancelAttempt& cancel, v1::ControllerMessage& wire);
void to_wire(const core::AckResult& ack, v1::ControllerMessage& wire);
void to_wire(const core::SetNodeMode& mode, v1::ControllerMessage& wire);
void to_wire(const core::TakeSiteJob& taken, v1::ControllerMessage& wire);

// What standing orders say beside the core's command.
struct OrderFacts {
  std::vector<std::shared_ptr<const std::string>> manifests;  // of its models, in order
  std::string api_url;
  std::uint16_t api_port = 0;
  bool api_tls = false;  // at that port
};
void to_wire(const core::GiveOrders& orders, const OrderFacts& facts, v1::ControllerMessage& wire);
// The refusal of the agent's message `refused_seq`; 0 = of the session.
void to_wire(const Error& error, std::uint64_t refused_seq, v1::ControllerMessage& wire);

}  // namespace skerry::hub
