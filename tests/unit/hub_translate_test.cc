#include <gtest/gtest.h>

#include "common/digest.h"
#include "controller/hub/translate.h"
#include "controller/hub/validate.h"
#include "tests/unit/hub_messages.h"

namespace skerry::hub {
namespace {

TEST(Translate, CarriesAnAttemptBothWays) { EXPECT_EQ(from_wire(wire_attempt()), attempt()); }

TEST(Translate, CarriesPayloadsBothWays) {
  v1::PayloadRef wire;
  to_wire(Payload::inlined("bytes"), wire);
  const Payload inlined = from_wire(wire);
  ASSERT_TRUE(inlined.bytes);
  EXPECT_EQ(*inlined.bytes, "bytes");
  EXPECT_EQ(inlined.size_bytes, 5u);

  v1::PayloadRef stored_wire;
  to_wire(Payload::stored(sha256_digest("x"), 77), stored_wire);
  const Payload stored = from_wire(stored_wire);
  EXPECT_FALSE(stored.bytes);
  EXPECT_EQ(stored.blob, sha256_digest("x"));
  EXPECT_EQ(stored.size_bytes, 77u);

  v1::PayloadRef nothing;
  to_wire(Payload{}, nothing);
  EXPECT_TRUE(from_wire(nothing).empty());
}

TEST(Translate, TakesAllOfAHello) {
  const core::AgentHello event = from_wire(hello(), kSession);
  EXPECT_EQ(event.session, kSession);
  EXPECT_EQ(event.identity, "3f9a");
  EXPECT_EQ(event.incarnation, 9u);
  EXPECT_EQ(event.capacity, 12u);
  EXPECT_EQ(event.software_version, "0.1.0");
  EXPECT_EQ(event.energy_source, "hwmon");
  EXPECT_EQ(event.devices, (std::vector<std::string>{"cpu", "cuda:0"}));
  EXPECT_EQ(event.alone, seconds(5));
  EXPECT_EQ(event.running, std::vector{attempt()});
  EXPECT_EQ(event.spooled, std::vector{attempt()});
  ASSERT_EQ(event.resident.size(), 1u);
  EXPECT_EQ(event.resident[0].name, (core::VariantName{.model = "digits", .variant = "small"}));
  EXPECT_EQ(event.resident[0].revision, 0u) << "as agents that do not know the field say it";
  scheduler::NodeSpec spec;
  spec.name = "shop-3";
  spec.tier = scheduler::Tier::kEdge;
  spec.site = "paris";
  spec.labels = {{"zone", "b"}};
  spec.engines = {"torch"};
  spec.slots = 4;
  spec.memory_bytes = 1 << 30;
  spec.speed = 0.5;
  spec.power = {.idle_w = 2, .busy_w = 9, .transfer_j_per_byte = 1e-8};
  spec.price_usd_per_hour = 0.25;
  spec.rtt_s = 0.04;
  spec.bandwidth_bytes_per_s = 2.5e6;
  EXPECT_EQ(event.node, spec);
}

TEST(Translate, KeepsTheDefaultBandwidthOfANodeThatDeclaresNone) {
  v1::Hello silent = hello();
  silent.mutable_capabilities()->set_bandwidth_bytes_per_s(0);
  EXPECT_EQ(from_wire(silent, kSession).node.bandwidth_bytes_per_s,
            scheduler::NodeSpec{}.bandwidth_bytes_per_s);
}

TEST(Translate, TakesAnOlderAgentWithoutAnIdentity) {
  v1::Hello older = hello();
  older.clear_identity();
  EXPECT_TRUE(validate(older));
  EXPECT_EQ(from_wire(older, kSession).identity, "");
}

TEST(Translate, TakesAllOfAHeartbeat) {
  v1::Heartbeat wire;
  wire.set_rtt_us(1500);
  v1::Telemetry& t = *wire.mutable_telemetry();
  t.set_cpu_fraction(1.5F);
  t.set_memory_used_bytes(1);
  t.set_memory_total_bytes(2);
  t.set_load_1m(0.5F);
  t.set_temperature_c(61);
  t.set_power_w(7.5F);
  t.set_power_source("nvml");
  t.set_queued(3);
  t.set_running(4);
  t.set_spooled(5);
  t.set_bandwidth_bytes_per_s(1e6);
  t.set_gpu_fraction(0.5F);
  t.set_gpu_memory_used_bytes(6);
  t.set_gpu_memory_total_bytes(7);
  const core::AgentHeartbeat event = from_wire(wire, kSession);
  EXPECT_EQ(event.rtt, microseconds(1500));
  EXPECT_EQ(event.telemetry.cpu_fraction, 1) << "what a sampler rounds up is full load";
  EXPECT_EQ(event.telemetry.memory_used_bytes, 1u);
  EXPECT_EQ(event.telemetry.memory_total_bytes, 2u);
  EXPECT_EQ(event.telemetry.load_1m, 0.5);
  EXPECT_EQ(event.telemetry.temperature_c, 61);
  EXPECT_EQ(event.telemetry.power_w, 7.5);
  EXPECT_EQ(event.telemetry.power_source, "nvml");
  EXPECT_EQ(event.telemetry.queued, 3u);
  EXPECT_EQ(event.telemetry.running, 4u);
  EXPECT_EQ(event.telemetry.spooled, 5u);
  EXPECT_EQ(event.telemetry.bandwidth_bytes_per_s, 1e6);
  EXPECT_EQ(event.telemetry.gpu_fraction, 0.5);
  EXPECT_EQ(event.telemetry.gpu_memory_used_bytes, 6u);
  EXPECT_EQ(event.telemetry.gpu_memory_total_bytes, 7u);
}

TEST(Translate, TakesAllOfAResult) {
  v1::AttemptResult wire = result();
  const core::AttemptEnded event = from_wire(wire, kSession);
  EXPECT_EQ(event.session, kSession);
  EXPECT_EQ(event.attempt, attempt());
  EXPECT_EQ(event.outcome, core::AttemptOutcome::kSucceeded);
  EXPECT_EQ(*event.output.bytes, "values");
  EXPECT_EQ(event.usage, (core::Usage{.queue = microseconds(1),
                                      .fetch = microseconds(2),
                                      .load = microseconds(3),
                                      .service = microseconds(4),
                                      .energy_j = 5,
                                      .energy_source = "rapl",
                                      .cost_usd = 6e-12}));
}

TEST(Translate, MapsEveryOutcomeAndLeavesTheOutputOfAFailureOut) {
  const std::vector<std::pair<v1::Outcome, core::AttemptOutcome>> rows = {
      {v1::OUTCOME_MODEL_FAILED, core::AttemptOutcome::kModelFailed},
      {v1::OUTCOME_CRASHED, core::AttemptOutcome::kCrashed},
      {v1::OUTCOME_INFRASTRUCTURE, core::AttemptOutcome::kInfrastructure},
      {v1::OUTCOME_CANCELLED, core::AttemptOutcome::kCancelled},
      {v1::OUTCOME_EXPIRED, core::AttemptOutcome::kExpired},
      {v1::OUTCOME_SEQUENCE_LOST, core::AttemptOutcome::kSequenceLost}};
  EXPECT_EQ(static_cast<int>(rows.size()) + 1, v1::Outcome_MAX) << "and kSucceeded, above";
  for (const auto& [from, to] : rows) {
    v1::AttemptResult wire = result();
    wire.set_outcome(from);
    const core::AttemptEnded event = from_wire(wire, kSession);
    EXPECT_EQ(event.outcome, to);
    EXPECT_TRUE(event.output.empty());
  }
}

TEST(Translate, CutsLongReasonsAtAWholeCharacter) {
  v1::AttemptReturned wire;
  *wire.mutable_attempt() = wire_attempt();
  wire.set_reason(std::string(kMaxReasonBytes - 1, 'x') + "\u00e9 and more");
  EXPECT_EQ(from_wire(wire, kSession).reason, std::string(kMaxReasonBytes - 1, 'x'));
}

TEST(Translate, TakesAllOfAProbeAndTheResidentSet) {
  v1::ProbeResult wire;
  wire.mutable_variant()->set_model("digits");
  wire.mutable_variant()->set_variant("small");
  wire.mutable_variant()->set_manifest_revision(4);
  wire.set_error("no memory");
  wire.set_load_us(7);
  wire.add_service_us(8);
  wire.add_service_us(9);
  wire.set_memory_bytes(10);
  const core::ProbeEnded event = from_wire(wire, kSession);
  EXPECT_EQ(event.variant, (core::VariantName{.model = "digits", .variant = "small"}));
  EXPECT_EQ(event.revision, 4u);
  EXPECT_EQ(event.error, "no memory");
  EXPECT_EQ(event.load, microseconds(7));
  EXPECT_EQ(event.service, (std::vector<Duration>{microseconds(8), microseconds(9)}));
  EXPECT_EQ(event.memory_bytes, 10u);

  v1::Resident resident;
  *resident.add_variants() = wire.variant();
  EXPECT_EQ(from_wire(resident, kSession).variants,
            (std::vector{core::LoadedVariant{.name = event.variant, .revision = 4}}));
}

TEST(Translate, WritesEveryCommandWithItsEpoch) {
  v1::ControllerMessage assign;
  to_wire(core::AssignAttempt{.attempt = attempt(),
                              .epoch = Epoch{6},
                              .ns = "vision",
                              .model = "digits",
                              .variant = "small",
                              .manifest_revision = 4,
                              .input = Payload::inlined("in"),
                              .remaining = milliseconds(2),
                              .sequence = "s1",
                              .sequence_step = core::SequenceStep::kContinues,
                              .interactive = true},
          {.artifact = "sha256:x",
           .artifact_bytes = 11,
           .manifest_json = std::make_shared<std::string>("{}")},
          assign);
  EXPECT_EQ(assign.assign().epoch(), 6u);
  EXPECT_EQ(from_wire(assign.assign().attempt()), attempt());
  EXPECT_EQ(assign.assign().model(), "digits");
  EXPECT_EQ(assign.assign().variant(), "small");
  EXPECT_EQ(assign.assign().artifact(), "sha256:x");
  EXPECT_EQ(assign.assign().artifact_bytes(), 11u);
  EXPECT_EQ(assign.assign().manifest_json(), "{}");
  EXPECT_EQ(assign.assign().manifest_revision(), 4u);
  EXPECT_EQ(assign.assign().input().inline_(), "in");
  EXPECT_EQ(assign.assign().remaining_us(), 2000u);
  EXPECT_EQ(assign.assign().sequence(), "s1");
  EXPECT_EQ(assign.assign().sequence_step(), v1::SEQUENCE_STEP_CONTINUES);
  EXPECT_TRUE(assign.assign().interactive());
  EXPECT_EQ(assign.assign().ns(), "vision");

  for (const auto& [sequence, step] :
       {std::pair{"s1", v1::SEQUENCE_STEP_BEGINS}, {"", v1::SEQUENCE_STEP_UNSPECIFIED}}) {
    v1::ControllerMessage wire;
    to_wire(core::AssignAttempt{.sequence = sequence}, {}, wire);
    EXPECT_EQ(wire.assign().sequence_step(), step);
  }

  v1::ControllerMessage cancel;
  to_wire(core::CancelAttempt{.attempt = attempt(), .epoch = Epoch{6}, .reason = "late"}, cancel);
  EXPECT_EQ(cancel.cancel().epoch(), 6u);
  EXPECT_EQ(cancel.cancel().reason(), "late");

  v1::ControllerMessage probe;
  to_wire(core::ProbeVariant{.model = "m", .variant = "v", .manifest_revision = 2, .runs = 5}, {},
          probe);
  EXPECT_EQ(probe.probe().runs(), 5u);
  EXPECT_EQ(probe.probe().manifest_revision(), 2u);

  v1::ControllerMessage mode;
  to_wire(core::SetNodeMode{.draining = true}, mode);
  EXPECT_TRUE(mode.node_mode().draining());
}

TEST(Translate, SaysThatADeadlineHasPassedRatherThanThatThereIsNone) {
  for (const auto& [remaining, expected_us] :
       {std::pair{Duration(0), 0u}, {Duration(-5), 1u}, {Duration(5), 5u}}) {
    v1::ControllerMessage wire;
    to_wire(core::AssignAttempt{.remaining = remaining}, {}, wire);
    EXPECT_EQ(wire.assign().remaining_us(), expected_us);
  }
}

}  // namespace
}  // namespace skerry::hub
