// agent_message_fuzz.cc: frames of an agent's stream: taken apart, checked, translated, and told to a
// core, as hub/stream_read.cc does it without its stream.
//
// Whatever passes validate.h must be right for the core. So that messages speak of attempts that exist,
// a reference whose uid has no upper half and a small lower one, n, stands for the n-th assignment.

#include <google/protobuf/arena.h>

#include <vector>

#include "controller/core/core.h"
#include "controller/hub/frames.h"
#include "controller/hub/translate.h"
#include "controller/hub/validate.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/message_mutator.h"

namespace skerry::fuzz {

namespace {

constexpr std::size_t kFixedBytes = 256 * 1024;
constexpr std::size_t kTimes =
    20;  // a message of four bytes is an event, or a refusal with its reason
constexpr std::size_t kMostMessages = 4096;

core::Settings quiet_settings() {
  core::Settings settings;
  settings.recovery_grace = Duration(0);
  return settings;
}

class World {
 public:
  World() {
    carry_out(core_.restore({}, now_));
    ModelManifest manifest{.name = "m", .engine = "noop", .stateful = true};
    manifest.inputs.push_back({.name = "x", .kind = InputKind::kTensor, .shape = {-1}});
    manifest.variants.push_back({.name = "v", .accuracy = 0.9, .reference_ms = 1});
    manifest.variants.push_back({.name = "a", .accuracy = 0.5, .reference_ms = 0.5});
    tell(core::PutModel{.ticket = 1, .manifest = std::move(manifest)});
    for (core::Ticket ticket = 2; ticket < 7; ++ticket) {
      core::JobSpec job{.model = "m", .inputs = Payload::inlined("input")};
      job.sequence = ticket == 3 ? "s" : "";
      job.urgency = ticket == 4 ? core::Urgency::kInteractive : core::Urgency::kNormal;
      tell(core::Submit{.ticket = ticket, .jobs = {std::move(job)}});
    }
  }

  void take(std::string_view bytes) {
    google::protobuf::Arena arena;
    auto& message = *google::protobuf::Arena::CreateMessage<v1::AgentMessage>(&arena);
    Status taken = message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))
                       ? handle(message)
                       : fail(ErrorCode::kInvalidArgument, "the message cannot be read");
    if (!taken) {
      v1::ControllerMessage refused;
      hub::to_wire(taken.error(), message.seq(), refused);
      check(refused.ByteSizeLong() < 2 * hub::kMaxReasonBytes, "a refusal is of a bounded size");
    }
    pass(milliseconds(static_cast<std::int64_t>(message.seq() % 2048)));
  }

 private:
  Status handle(v1::AgentMessage& message) {
    switch (message.body_case()) {
      case v1::AgentMessage::kHello:
        return greet(*message.mutable_hello());
      case v1::AgentMessage::kResult:
        return pass_result(*message.mutable_result());
      case v1::AgentMessage::kSiteJob:
        return pass_site_job(*message.mutable_site_job());
      case v1::AgentMessage::kGoodbye:
        tell(core::SessionClosed{session_, true});
        return {};
      case v1::AgentMessage::kStarted:
        resolve(*message.mutable_started()->mutable_attempt());
        break;
      case v1::AgentMessage::kReturned:
        resolve(*message.mutable_returned()->mutable_attempt());
        break;
      default:
        break;
    }
    return pass_on(hub::event_of(message, session_));
  }

  Status greet(v1::Hello& hello) {
    for (v1::AttemptRef& attempt : *hello.mutable_running()) {
      resolve(attempt);
    }
    for (v1::AttemptRef& attempt : *hello.mutable_spooled()) {
      resolve(attempt);
    }
    if (const auto version = hub::negotiate(hello); !version) {
      return fail(version.error());
    }
    Status valid = hub::validate(hello);
    if (valid) {
      session_ = {session_.value + 1};
      tell(hub::from_wire(hello, session_));
    }
    return valid;
  }

  template <typename Event>
  Status pass_on(Result<Event> event) {
    if (!event) {
      return fail(std::move(event).error());
    }
    tell(*std::move(event));
    return {};
  }

  Status pass_site_job(v1::SiteJob& job) {
    Status valid = hub::validate(job);
    return valid ? pass_on(hub::from_wire(job, session_)) : valid;
  }

  Status pass_result(v1::AttemptResult& result) {
    resolve(*result.mutable_attempt());
    if (Status named = hub::validate(result.attempt()); !named) {
      return named;
    }
    Status usable = hub::validate(result);
    tell(usable ? hub::from_wire(result, session_)
                : hub::unusable_result(result.attempt(), usable.error(), session_));
    return usable;
  }

  void resolve(v1::AttemptRef& attempt) const {
    if (attempt.uid_high() == 0 && attempt.uid_low() - 1 < assigned_.size()) {
      hub::to_wire(assigned_[attempt.uid_low() - 1], attempt);
    }
  }

  void tell(core::Event event) {
    carry_out(core_.apply(std::move(event), now_));
    for (const std::string& rule : core_.broken_invariants()) {
      check(false, rule);
    }
  }

  void pass(Duration time) {
    now_ += time;
    if (core_.next_timer() <= now_) {
      tell(core::Tick{});
    }
  }

  void carry_out(const core::Effects& effects) {
    for (const core::Output& output : effects.outputs) {
      const auto* send = std::get_if<core::Send>(&output.what);
      if (send == nullptr) {
        continue;
      }
      v1::ControllerMessage message;
      if (const auto* assign = std::get_if<core::AssignAttempt>(&send->command)) {
        assigned_.push_back(assign->attempt);
        hub::to_wire(*assign, {}, message);
      } else if (const auto* cancel = std::get_if<core::CancelAttempt>(&send->command)) {
        hub::to_wire(*cancel, message);
      } else if (const auto* ack = std::get_if<core::AckResult>(&send->command)) {
        hub::to_wire(*ack, message);
      } else if (const auto* probe = std::get_if<core::ProbeVariant>(&send->command)) {
        hub::to_wire(*probe, {}, message);
      } else if (const auto* refuse = std::get_if<core::RefuseAgent>(&send->command)) {
        hub::to_wire(refuse->error, 0, message);
      }
      std::string bytes;
      check(message.SerializeToString(&bytes), "what is sent to an agent can be written");
    }
  }

  core::Core core_{quiet_settings(), 7};
  Instant now_ = instant_from_us(1'700'000'000'000'000);
  SessionId session_;
  std::vector<core::AttemptRef> assigned_;
};

void put_hello(v1::AgentMessage& message, Random& random) {
  v1::Hello& hello = *message.mutable_hello();
  hello.set_min_version(1);
  hello.set_max_version(1);
  hello.set_node_name(random.chance(0.7) ? "a" : "b");
  hello.set_incarnation(1 + random.below(3));
  hello.set_capacity(static_cast<std::uint32_t>(random.below(5)));
  v1::Capabilities& node = *hello.mutable_capabilities();
  node.set_tier("edge");
  node.add_engines("noop");
  node.set_slots(2);
  node.set_memory_bytes(1 << 30);
  node.set_speed(1);
}

void put_attempt(v1::AttemptRef& attempt, Random& random) {
  attempt.set_job_id(1);
  attempt.set_attempt(1);
  attempt.set_uid_low(1 + random.below(6));
}

void put_message(v1::AgentMessage& message, Random& random) {
  message.set_seq(random.below(4096));
  switch (random.below(9)) {
    case 0:
      return put_hello(message, random);
    case 1:
      return put_attempt(*message.mutable_started()->mutable_attempt(), random);
    case 2:
    case 3: {
      v1::AttemptResult& result = *message.mutable_result();
      put_attempt(*result.mutable_attempt(), random);
      result.set_outcome(static_cast<v1::Outcome>(1 + random.below(7)));
      result.mutable_output()->set_inline_("output");
      result.mutable_usage()->set_service_us(random.below(100'000));
      return;
    }
    case 4:
      return put_attempt(*message.mutable_returned()->mutable_attempt(), random);
    case 5:
      return message.mutable_credits()->set_capacity(static_cast<std::uint32_t>(random.below(9)));
    case 6:
      message.mutable_heartbeat()->set_rtt_us(random.below(100'000));
      return message.mutable_heartbeat()->mutable_telemetry()->set_power_w(5);
    case 7: {
      v1::ProbeResult& probe = *message.mutable_probe_result();
      probe.mutable_variant()->set_model("m");
      probe.mutable_variant()->set_variant("v");
      probe.set_load_us(1000);
      return probe.add_service_us(random.below(100'000));
    }
    default: {
      v1::VariantRef& variant = *message.mutable_resident()->add_variants();
      variant.set_model("m");
      return variant.set_variant(random.chance(0.5) ? "v" : "a");
    }
  }
}

}  // namespace

void run(std::string_view input) {
  World world;
  const MemoryBound bound(input.size(), kFixedBytes, kTimes);
  hub::FrameReader frame(input);
  for (std::size_t messages = 0; messages < kMostMessages; ++messages) {
    const auto message = frame.next();
    if (!message) {
      return;
    }
    world.take(message->value_or(std::string_view{}));
  }
}

std::optional<std::string> mutate(std::string_view input, Random& random) {
  v1::AgentFrame frame;
  if (!frame.ParseFromString(std::string(input)) || random.chance(0.1)) {
    return std::nullopt;
  }
  if (frame.messages_size() == 0) {
    put_hello(*frame.add_messages(), random);
  } else if (random.chance(0.3)) {
    put_message(*frame.add_messages(), random);
  } else {
    mutate_message(frame, random);
  }
  return frame.SerializeAsString();
}

}  // namespace skerry::fuzz
