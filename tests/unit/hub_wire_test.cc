// The hub's pure parts: frames, translation, validation, credentials.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "common/digest.h"
#include "controller/hub/credentials.h"
#include "controller/hub/frames.h"
#include "controller/hub/grpc_status.h"
#include "controller/hub/translate.h"
#include "controller/hub/upload_pins.h"
#include "controller/hub/validate.h"

namespace skerry::hub {
namespace {

constexpr SessionId kSession{42};

core::AttemptRef attempt() {
  core::AttemptRef ref;
  ref.job.value = 0x123456789abcdef0;
  ref.number = 3;
  ref.uid = {.high = 0xfedcba9876543210, .low = 17};
  return ref;
}

v1::AttemptRef wire_attempt() {
  v1::AttemptRef wire;
  to_wire(attempt(), wire);
  return wire;
}

v1::Hello hello() {
  v1::Hello hello;
  hello.set_min_version(1);
  hello.set_max_version(1);
  hello.set_node_name("shop-3");
  hello.set_incarnation(9);
  hello.set_capacity(12);
  hello.set_software_version("0.1.0");
  hello.set_alone_us(5'000'000);
  *hello.add_running() = wire_attempt();
  *hello.add_spooled() = wire_attempt();
  v1::VariantRef& variant = *hello.add_resident();
  variant.set_model("digits");
  variant.set_variant("small");
  v1::Capabilities& node = *hello.mutable_capabilities();
  node.set_tier("edge");
  node.set_site("paris");
  (*node.mutable_labels())["zone"] = "b";
  node.add_engines("torch");
  node.set_slots(4);
  node.set_memory_bytes(1 << 30);
  node.set_speed(0.5);
  node.set_idle_w(2);
  node.set_busy_w(9);
  node.set_transfer_j_per_byte(1e-8);
  node.set_price_usd_per_hour(0.25);
  node.set_rtt_s(0.04);
  node.set_bandwidth_bytes_per_s(2.5e6);
  node.set_energy_source("hwmon");
  node.add_devices("cpu");
  return hello;
}

v1::AttemptResult result() {
  v1::AttemptResult result;
  *result.mutable_attempt() = wire_attempt();
  result.set_outcome(v1::OUTCOME_SUCCEEDED);
  result.mutable_output()->set_inline_("values");
  v1::Usage& usage = *result.mutable_usage();
  usage.set_queue_us(1);
  usage.set_fetch_us(2);
  usage.set_load_us(3);
  usage.set_service_us(4);
  usage.set_energy_uj(5'000'000);
  usage.set_energy_source("rapl");
  usage.set_cost_micro_usd(6);
  return result;
}

// ---- validation

template <typename Message>
struct Case {
  const char* what;
  std::function<void(Message&)> spoil;
};

template <typename Message>
void expect_refused(const Message& good, const std::vector<Case<Message>>& cases) {
  EXPECT_TRUE(validate(good));
  for (const auto& [what, spoil] : cases) {
    Message message = good;
    spoil(message);
    const Status status = validate(message);
    ASSERT_FALSE(status) << what;
    EXPECT_FALSE(status.error().message.empty()) << what;
  }
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(Validate, RefusesABadHello) {
  expect_refused<v1::Hello>(
      hello(),
      {
          {"no name", [](auto& m) { m.clear_node_name(); }},
          {"a name that is none", [](auto& m) { m.set_node_name("Shop 3"); }},
          {"a long name", [](auto& m) { m.set_node_name(std::string(64, 'a')); }},
          {"no incarnation", [](auto& m) { m.clear_incarnation(); }},
          {"no capabilities", [](auto& m) { m.clear_capabilities(); }},
          {"a bad tier", [](auto& m) { m.mutable_capabilities()->set_tier("fog"); }},
          {"a bad site", [](auto& m) { m.mutable_capabilities()->set_site("a b"); }},
          {"no slots", [](auto& m) { m.mutable_capabilities()->set_slots(0); }},
          {"many slots", [](auto& m) { m.mutable_capabilities()->set_slots(1 << 20); }},
          {"no engine", [](auto& m) { m.mutable_capabilities()->clear_engines(); }},
          {"a bad engine", [](auto& m) { m.mutable_capabilities()->add_engines("T O"); }},
          {"no speed", [](auto& m) { m.mutable_capabilities()->set_speed(0); }},
          {"speed nan", [](auto& m) { m.mutable_capabilities()->set_speed(kNan); }},
          {"power inf", [](auto& m) { m.mutable_capabilities()->set_busy_w(kInf); }},
          {"negative power", [](auto& m) { m.mutable_capabilities()->set_idle_w(-1); }},
          {"negative price", [](auto& m) { m.mutable_capabilities()->set_price_usd_per_hour(-1); }},
          {"rtt nan", [](auto& m) { m.mutable_capabilities()->set_rtt_s(kNan); }},
          {"bandwidth", [](auto& m) { m.mutable_capabilities()->set_bandwidth_bytes_per_s(-5); }},
          {"energy source", [](auto& m) { m.mutable_capabilities()->set_energy_source("sun"); }},
          {"a label without key",
           [](auto& m) { (*m.mutable_capabilities()->mutable_labels())[""]; }},
          {"an unprintable label",
           [](auto& m) { (*m.mutable_capabilities()->mutable_labels())["a"] = "\n"; }},
          {"many labels",
           [](auto& m) {
             for (int i = 0; i < 65; ++i) {
               (*m.mutable_capabilities()->mutable_labels())[std::to_string(i)] = "x";
             }
           }},
          {"an attempt without uid",
           [](auto& m) {
             m.mutable_running(0)->clear_uid_high();
             m.mutable_running(0)->clear_uid_low();
           }},
          {"a spooled attempt without job", [](auto& m) { m.mutable_spooled(0)->clear_job_id(); }},
          {"a bad variant", [](auto& m) { m.mutable_resident(0)->clear_variant(); }},
          {"a wild capacity", [](auto& m) { m.set_capacity(4'000'000'000u); }},
          {"a wild time alone", [](auto& m) { m.set_alone_us(UINT64_MAX); }},
          {"a bad version text", [](auto& m) { m.set_software_version("\x01"); }},
      });
}

TEST(Validate, RefusesBadTelemetry) {
  v1::Heartbeat good;
  good.mutable_telemetry()->set_cpu_fraction(1.02F);
  good.mutable_telemetry()->set_temperature_c(-12);
  expect_refused<v1::Heartbeat>(
      good,
      {
          {"cpu nan", [](auto& m) { m.mutable_telemetry()->set_cpu_fraction(NAN); }},
          {"cpu below 0", [](auto& m) { m.mutable_telemetry()->set_cpu_fraction(-1); }},
          {"load inf", [](auto& m) { m.mutable_telemetry()->set_load_1m(INFINITY); }},
          {"colder than cold", [](auto& m) { m.mutable_telemetry()->set_temperature_c(-300); }},
          {"power nan", [](auto& m) { m.mutable_telemetry()->set_power_w(NAN); }},
          {"a power source", [](auto& m) { m.mutable_telemetry()->set_power_source("x"); }},
          {"an hour's rtt", [](auto& m) { m.set_rtt_us(3'600'000'001); }},
          {"bandwidth nan",
           [](auto& m) { m.mutable_telemetry()->set_bandwidth_bytes_per_s(kNan); }},
      });
}

TEST(Validate, RefusesABadResult) {
  expect_refused<v1::AttemptResult>(
      result(),
      {
          {"no attempt", [](auto& m) { m.clear_attempt(); }},
          {"no number", [](auto& m) { m.mutable_attempt()->clear_attempt(); }},
          {"no outcome", [](auto& m) { m.clear_outcome(); }},
          {"a later outcome", [](auto& m) { m.set_outcome(static_cast<v1::Outcome>(99)); }},
          {"success without output", [](auto& m) { m.clear_output(); }},
          {"inline over the limit",
           [](auto& m) { m.mutable_output()->set_inline_(std::string((256 << 10) + 1, 'x')); }},
          {"inline and blob", [](auto& m) { m.mutable_output()->set_blob(sha256_digest("x")); }},
          {"a blob that is no digest",
           [](auto& m) {
             m.mutable_output()->clear_inline_();
             m.mutable_output()->set_blob("../x");
             m.mutable_output()->set_size_bytes(1);
           }},
          {"a wild energy", [](auto& m) { m.mutable_usage()->set_energy_uj(UINT64_MAX); }},
          {"a wild time", [](auto& m) { m.mutable_usage()->set_service_us(UINT64_MAX); }},
          {"an energy source", [](auto& m) { m.mutable_usage()->set_energy_source("sun"); }},
      });
}

TEST(Validate, TakesAFailureWithoutOutput) {
  v1::AttemptResult failed = result();
  failed.set_outcome(v1::OUTCOME_CRASHED);
  failed.clear_output();
  EXPECT_TRUE(validate(failed));
}

TEST(Validate, RefusesBadSmallMessages) {
  v1::AttemptStarted started;
  EXPECT_FALSE(validate(started));
  v1::AttemptReturned returned;
  EXPECT_FALSE(validate(returned));
  v1::Credits credits;
  EXPECT_TRUE(validate(credits));
  credits.set_capacity(kMaxCapacity + 1);
  EXPECT_EQ(validate(credits).error().code, ErrorCode::kTooLarge);
  v1::ProbeResult probe;
  EXPECT_FALSE(validate(probe));
  probe.mutable_variant()->set_model("digits");
  probe.mutable_variant()->set_variant("small");
  EXPECT_TRUE(validate(probe));
  probe.add_service_us(UINT64_MAX);
  EXPECT_FALSE(validate(probe));
  v1::Resident resident;
  EXPECT_TRUE(validate(resident));
  resident.add_variants()->set_model("digits");
  EXPECT_FALSE(validate(resident));
}

TEST(Validate, NegotiatesTheHighestCommonVersion) {
  struct Row {
    std::uint32_t low, high;
    bool common;
  };
  for (const auto& [low, high, common] : {Row{1, 1, true}, Row{0, 1, true}, Row{1, 9, true},
                                          Row{2, 9, false}, Row{0, 0, false}, Row{2, 1, false}}) {
    v1::Hello offer;
    offer.set_min_version(low);
    offer.set_max_version(high);
    const auto version = negotiate(offer);
    ASSERT_EQ(version.has_value(), common) << low << " to " << high;
    if (common) {
      EXPECT_EQ(*version, 1u);
    } else {
      EXPECT_EQ(version.error().code, ErrorCode::kUnsupported);
    }
  }
}

// ---- translation

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
  EXPECT_EQ(event.incarnation, 9u);
  EXPECT_EQ(event.capacity, 12u);
  EXPECT_EQ(event.software_version, "0.1.0");
  EXPECT_EQ(event.energy_source, "hwmon");
  EXPECT_EQ(event.alone, seconds(5));
  EXPECT_EQ(event.running, std::vector{attempt()});
  EXPECT_EQ(event.spooled, std::vector{attempt()});
  ASSERT_EQ(event.resident.size(), 1u);
  EXPECT_EQ(event.resident[0], (core::VariantName{.model = "digits", .variant = "small"}));
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
                                      .cost_usd = 6e-6}));
}

TEST(Translate, MapsEveryOutcomeAndLeavesTheOutputOfAFailureOut) {
  const std::vector<std::pair<v1::Outcome, core::AttemptOutcome>> rows = {
      {v1::OUTCOME_MODEL_FAILED, core::AttemptOutcome::kModelFailed},
      {v1::OUTCOME_CRASHED, core::AttemptOutcome::kCrashed},
      {v1::OUTCOME_INFRASTRUCTURE, core::AttemptOutcome::kInfrastructure},
      {v1::OUTCOME_CANCELLED, core::AttemptOutcome::kCancelled},
      {v1::OUTCOME_EXPIRED, core::AttemptOutcome::kExpired}};
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
  wire.set_error("no memory");
  wire.set_load_us(7);
  wire.add_service_us(8);
  wire.add_service_us(9);
  wire.set_memory_bytes(10);
  const core::ProbeEnded event = from_wire(wire, kSession);
  EXPECT_EQ(event.variant, (core::VariantName{.model = "digits", .variant = "small"}));
  EXPECT_EQ(event.error, "no memory");
  EXPECT_EQ(event.load, microseconds(7));
  EXPECT_EQ(event.service, (std::vector<Duration>{microseconds(8), microseconds(9)}));
  EXPECT_EQ(event.memory_bytes, 10u);

  v1::Resident resident;
  *resident.add_variants() = wire.variant();
  EXPECT_EQ(from_wire(resident, kSession).variants, std::vector{event.variant});
}

TEST(Translate, WritesEveryCommandWithItsEpoch) {
  v1::ControllerMessage assign;
  to_wire(core::AssignAttempt{.attempt = attempt(),
                              .epoch = Epoch{6},
                              .model = "digits",
                              .variant = "small",
                              .manifest_revision = 4,
                              .input = Payload::inlined("in"),
                              .remaining = milliseconds(2),
                              .sequence = "s1",
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
  EXPECT_TRUE(assign.assign().interactive());

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

// ---- frames

v1::ControllerMessage cancel_of(const std::string& reason) {
  v1::ControllerMessage message;
  message.mutable_cancel()->set_reason(reason);
  return message;
}

v1::ControllerFrame parsed(const OutQueue::Frame& frame) {
  v1::ControllerFrame whole;
  EXPECT_TRUE(whole.ParseFromString(frame.bytes));
  EXPECT_EQ(static_cast<std::size_t>(whole.messages_size()), frame.messages);
  return whole;
}

TEST(OutQueue, BuildsFramesThatProtobufReads) {
  OutQueue queue({});
  ASSERT_TRUE(queue.push(cancel_of("a")));
  ASSERT_TRUE(queue.push(cancel_of(std::string(300, 'b'))));
  const v1::ControllerFrame frame = parsed(queue.take_frame());
  ASSERT_EQ(frame.messages_size(), 2);
  EXPECT_EQ(frame.messages(0).seq(), 1u);
  EXPECT_EQ(frame.messages(0).cancel().reason(), "a");
  EXPECT_EQ(frame.messages(1).seq(), 2u);
  EXPECT_EQ(frame.messages(1).cancel().reason(), std::string(300, 'b'));
  EXPECT_TRUE(queue.empty());
}

TEST(OutQueue, BoundsTheBytesOfAFrameAndSendsALargeMessageAlone) {
  OutQueue queue({.frame_bytes = 1000});
  for (const std::size_t size : {400, 400, 400, 5000, 400}) {
    ASSERT_TRUE(queue.push(cancel_of(std::string(size, 'x'))));
  }
  std::vector<int> counts;
  while (!queue.empty()) {
    counts.push_back(parsed(queue.take_frame()).messages_size());
  }
  EXPECT_EQ(counts, (std::vector<int>{2, 1, 1, 1}));
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(OutQueue, RefusesWhatIsOverItsBounds) {
  OutQueue few({.messages = 2});
  EXPECT_TRUE(few.push(cancel_of("")));
  EXPECT_TRUE(few.push(cancel_of("")));
  EXPECT_FALSE(few.push(cancel_of("")));
  EXPECT_EQ(few.messages(), 2u);
  OutQueue small({.bytes = 100});
  EXPECT_TRUE(small.push(cancel_of(std::string(80, 'x'))));
  EXPECT_FALSE(small.push(cancel_of(std::string(80, 'x'))));
  parsed(small.take_frame());
  EXPECT_TRUE(small.push(cancel_of(std::string(80, 'x')))) << "room again";
}

TEST(OutQueue, SendsTheNewestHeartbeatAcknowledgementFirst) {
  OutQueue queue({});
  v1::ControllerMessage welcome;
  welcome.mutable_welcome();
  queue.push_first(welcome);
  queue.acknowledge_heartbeat(1);
  ASSERT_TRUE(queue.push(cancel_of("a")));
  queue.acknowledge_heartbeat(2);
  const v1::ControllerFrame first = parsed(queue.take_frame());
  ASSERT_EQ(first.messages_size(), 3);
  EXPECT_TRUE(first.messages(0).has_welcome());
  EXPECT_EQ(first.messages(1).heartbeat_ack().sent_us(), 2u);
  EXPECT_EQ(first.messages(2).seq(), 3u);
  ASSERT_TRUE(queue.push(cancel_of("b")));
  queue.acknowledge_heartbeat(3);
  EXPECT_EQ(parsed(queue.take_frame()).messages(0).heartbeat_ack().sent_us(), 3u);
}

TEST(FrameReader, WalksTheMessagesAndSkipsWhatItDoesNotKnow) {
  v1::AgentFrame frame;
  frame.add_messages()->set_seq(1);
  frame.add_messages()->mutable_goodbye()->set_reason(std::string(200, 'x'));
  frame.GetReflection()->MutableUnknownFields(&frame)->AddVarint(7, 300);
  frame.GetReflection()->MutableUnknownFields(&frame)->AddLengthDelimited(8, "later");
  const std::string bytes = frame.SerializeAsString();
  FrameReader reader(bytes);
  for (const v1::AgentMessage& expected : frame.messages()) {
    const auto message = reader.next();
    ASSERT_TRUE(message && *message);
    EXPECT_EQ(**message, expected.SerializeAsString());
  }
  EXPECT_FALSE(reader.next());
}

TEST(FrameReader, SaysOnceThatAFrameIsDamagedWhereverItIsCut) {
  v1::AgentFrame frame;
  frame.add_messages()->mutable_goodbye()->set_reason(std::string(300, 'x'));
  const std::string bytes = frame.SerializeAsString();
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    FrameReader reader(std::string_view(bytes).substr(0, cut));
    const auto message = reader.next();
    ASSERT_TRUE(message) << cut;
    ASSERT_FALSE(*message) << cut;
    EXPECT_EQ(message->error().code, ErrorCode::kCorrupt);
    EXPECT_FALSE(reader.next()) << cut;
  }
}

TEST(FrameReader, ReadsNoByteOfARandomFrameTwiceAndEnds) {
  for (const std::string& bytes :
       {std::string("\0", 1), std::string(40, '\xff'), std::string("\x0a\xff\xff\xff\xff\x0f", 6),
        std::string("\x0b\x0a", 2), std::string("\x0a\x02\x0a\x0a\x0a", 5)}) {
    FrameReader reader(bytes);
    std::size_t messages = 0;
    while (reader.next()) {
      ASSERT_LE(++messages, bytes.size());
    }
  }
}

// ---- the rest

TEST(Credentials, ServesLoopbackAloneWithoutTls) {
  for (const std::string listen : {"127.0.0.1", "127.8.0.1", "localhost", "::1", "[::1]"}) {
    EXPECT_TRUE(server_credentials({.listen = listen})) << listen;
  }
  for (const std::string listen : {"0.0.0.0", "10.0.0.1", "::", "example.com", ""}) {
    EXPECT_FALSE(server_credentials({.listen = listen})) << listen;
    EXPECT_TRUE(server_credentials({.listen = listen, .insecure_dev = true})) << listen;
  }
}

TEST(GrpcStatus, GivesEveryCodeAStatusOfItsOwnKind) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const grpc::StatusCode status = to_grpc(static_cast<ErrorCode>(code));
    EXPECT_NE(status, grpc::StatusCode::OK) << code;
    EXPECT_NE(status, grpc::StatusCode::UNKNOWN) << code;
  }
}

}  // namespace
}  // namespace skerry::hub
