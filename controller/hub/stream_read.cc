// The reading half of an agent's stream; see stream.h.

#include <fmt/format.h>
#include <google/protobuf/arena.h>

#include <optional>
#include <utility>

#include "common/grpc_order.h"
#include "controller/hub/sessions.h"
#include "controller/hub/stream.h"
#include "controller/hub/upload_pins.h"
#include "controller/hub/validate.h"

namespace skerry::hub {
namespace {

constexpr std::uint32_t kMostRefusalsLogged = 20;  // of one stream; the rest is only counted

}  // namespace

void AgentStream::OnReadDone(bool ok) {
  reacting(this);
  if (ok) {
    grpc::Slice bytes;
    if (!in_.TrySingleSlice(&bytes).ok()) {
      ok = in_.DumpToSingleSlice(&bytes).ok();
    }
    in_.Clear();
    ok = ok && read_frame({reinterpret_cast<const char*>(bytes.begin()), bytes.size()});
  }
  const std::lock_guard lock(mutex_);
  if (!ok) {
    close(Phase::kClosing, grpc::Status::OK);
  } else if (phase_ < Phase::kClosing) {
    if (has_room()) {
      StartRead(&in_);
    } else {
      read_held_ = true;
      parts_.counters.add(Count::kReadsHeld);
      parts_.counters.add(Count::kHeld);
    }
  }
}

void AgentStream::count_intake(Intake frame) {
  unmarked_.messages += frame.messages;
  unmarked_.bytes += frame.bytes;
  {
    const std::lock_guard lock(mutex_);
    told_intake_.messages += frame.messages;
    told_intake_.bytes += frame.bytes;
  }
  // What has no mark is thus a quarter of the bounds at most: a stream that is held waits for one.
  const IntakeLimits& limits = parts_.options.intake;
  if (unmarked_.messages > limits.messages / 4 || unmarked_.bytes > limits.bytes / 4) {
    mark_intake();
  }
}

void AgentStream::mark_intake() {
  parts_.gateway.inspect([&sessions = parts_.sessions, id = id_,
                          part = std::exchange(unmarked_, {})](const core::Core&, Instant) {
    sessions.with(id, [&](AgentStream& stream) { stream.applied(part); });
  });
}

bool AgentStream::has_room() const {
  const IntakeLimits& limits = parts_.options.intake;
  return told_intake_.messages <= limits.messages && told_intake_.bytes <= limits.bytes;
}

void AgentStream::applied(Intake part) {
  const std::lock_guard lock(mutex_);
  told_intake_.messages -= part.messages;
  told_intake_.bytes -= part.bytes;
  if (read_held_ && has_room() && phase_ < Phase::kClosing) {
    read_held_ = false;
    parts_.counters.take(Count::kHeld);
    StartRead(&in_);
  }
}

bool AgentStream::read_frame(std::string_view bytes) {
  parts_.counters.add(Count::kFramesReceived);
  parts_.counters.add(Count::kBytesReceived, bytes.size());
  {
    const std::lock_guard lock(mutex_);
    if (phase_ >= Phase::kClosing) {
      return false;
    }
  }
  FrameReader frame(bytes);
  std::size_t messages = 0;
  bool going_on = true;
  while (const auto message = going_on ? frame.next() : std::nullopt) {
    parts_.counters.add(Count::kMessagesReceived);
    going_on = ++messages <= parts_.options.intake.frame_messages
                   ? take(message->value_or(std::string_view{}))
                   : break_off();
  }
  count_intake({.messages = messages, .bytes = bytes.size()});
  return going_on;
}

// A frame of too many messages; always false.
bool AgentStream::break_off() {
  const std::lock_guard lock(mutex_);
  if (phase_ < Phase::kClosing) {
    refuse_and_close({ErrorCode::kTooLarge, fmt::format("a frame has at most {} messages",
                                                        parts_.options.intake.frame_messages)});
  }
  return false;
}

bool AgentStream::take(std::string_view bytes) {
  char block[2048];
  google::protobuf::Arena arena(block, sizeof(block));
  auto& message = *google::protobuf::Arena::CreateMessage<v1::AgentMessage>(&arena);
  const bool parsed =
      !bytes.empty() && message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  parts_.counters.add_received(parsed ? message.body_case() : 0);
  last_seq_ = parsed && message.seq() != 0 ? message.seq() : last_seq_ + 1;
  Status taken =
      parsed ? Status{} : fail(ErrorCode::kInvalidArgument, "the message cannot be read");
  if (!version_) {
    return taken ? greet(message) : refuse_session(taken.error());
  }
  if (taken) {
    taken = handle(message);
  }
  if (!taken) {
    refuse(taken.error());
  }
  return true;
}

bool AgentStream::greet(const v1::AgentMessage& message) {
  if (!message.has_hello()) {
    return refuse_session({ErrorCode::kInvalidArgument, "the first message must be a hello"});
  }
  const v1::Hello& hello = message.hello();
  const auto version = negotiate(hello);
  if (!version) {
    return refuse_session(version.error());
  }
  if (const Status valid = validate(hello); !valid) {
    return refuse_session(valid.error());
  }
  if (const Status own = peer_->speaks_for(hello.node_name()); !own) {
    return refuse_session(own.error());
  }
  if (const Status admitted = still_admitted(parts_, *peer_); !admitted) {
    return refuse_session(admitted.error());
  }
  node_name_ = hello.node_name();
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::kGreeting) {
      return false;
    }
    phase_ = Phase::kOpen;
    version_ = *version;
    told_ = true;
  }
  parts_.log.info("agent stream opened{}", fields({{"node", node_name_},
                                                   {"session", fmt::to_string(id_.value)},
                                                   {"peer", peer_->address},
                                                   {"agent_version", hello.software_version()}}));
  parts_.counters.add(Count::kSessionsOpened);
  core::AgentHello told = from_wire(hello, id_);
  if (peer_->proved) {
    told.certified_key = peer_->proved->certificate.key_digest();
  }
  parts_.gateway.tell(std::move(told));
  return true;
}

Status AgentStream::handle(v1::AgentMessage& message) {
  switch (message.body_case()) {
    case v1::AgentMessage::kHeartbeat: {
      if (Status allowed = still_allowed(); !allowed) {
        return allowed;
      }
      const std::lock_guard lock(mutex_);
      heartbeat_sent_us_ = message.heartbeat().sent_us();  // before the core can acknowledge it
      break;
    }
    case v1::AgentMessage::kResult:
      return pass_result(*message.mutable_result());
    case v1::AgentMessage::kSiteJob:
      return pass_site_job(*message.mutable_site_job());
    case v1::AgentMessage::kRefused:
      note_refusal(message.refused());
      return {};
    case v1::AgentMessage::kGoodbye: {
      const std::lock_guard lock(mutex_);
      goodbye_ = true;
      return {};
    }
    case v1::AgentMessage::kHello:
      return fail(ErrorCode::kConflict, "this stream has had its hello");
    default:
      break;
  }
  auto event = event_of(message, id_);
  if (!event) {
    return fail(std::move(event).error());
  }
  parts_.gateway.tell(*std::move(event));
  return {};
}

// What a revocation's disconnect has missed ends with the next heartbeat.
Status AgentStream::still_allowed() {
  Status admitted = still_admitted(parts_, *peer_);
  if (!admitted) {
    const std::lock_guard lock(mutex_);
    refuse_and_close(admitted.error());
  }
  return admitted;
}

Status AgentStream::pass_result(v1::AttemptResult& result) {
  if (Status named = validate(result.attempt()); !named) {
    return named;
  }
  Status usable = validate(result);
  if (usable) {
    usable = claim_output(result);
  }
  parts_.gateway.tell(usable ? from_wire(result, id_)
                             : unusable_result(result.attempt(), usable.error(), id_));
  return usable;
}

// A result must never point at nothing. Its blob is missing if this controller was restarted
// between the upload and the result, or if it was never uploaded.
Status AgentStream::claim_output(v1::AttemptResult& result) {
  if (result.outcome() != v1::OUTCOME_SUCCEEDED || result.output().blob().empty()) {
    return {};
  }
  const auto size = parts_.uploads.claim(result.output().blob(), parts_.clock.now());
  if (!size) {
    return fail(size.error());
  }
  result.mutable_output()->set_size_bytes(*size);
  return {};
}

// One that cannot be read is refused for good; one whose blobs are missing is brought again after the
// next hello.
Status AgentStream::pass_site_job(v1::SiteJob& job) {
  if (Status valid = validate(job); !valid) {
    return valid;
  }
  JobId id;
  id.value = job.id();
  auto brought = from_wire(job, id_);
  if (!brought) {
    send(core::TakeSiteJob{.job = id, .taken_as = {}, .error = brought.error().message});
    return fail(std::move(brought).error());
  }
  if (Status claimed = claim_blobs(brought->job); !claimed) {
    return claimed;
  }
  parts_.gateway.tell(*std::move(brought));
  return {};
}

// The size is that of the blob which is here, whatever the agent says of it.
Status AgentStream::claim_blobs(core::SiteJobRecords& job) {
  Payload& payload = job.result ? job.result->result.output : job.job.spec.inputs;
  if (payload.blob.empty()) {
    return {};
  }
  const auto size = parts_.uploads.claim(payload.blob, parts_.clock.now());
  if (!size) {
    return fail(size.error());
  }
  payload.size_bytes = *size;
  return {};
}

void AgentStream::note_refusal(const v1::Refused& refused) {
  parts_.counters.add(Count::kRefusedByAgents);
  if (refusals_logged_++ < kMostRefusalsLogged) {
    parts_.log.warn("the agent refused message {}: {}{}", refused.seq(), refused.message(),
                    fields({{"node", node_name_}, {"code", refused.code()}}));
  }
}

void AgentStream::refuse(const Error& error) {
  parts_.counters.add(Count::kMessagesRefused);
  if (refusals_logged_++ < kMostRefusalsLogged) {
    parts_.log.warn("message {} of an agent refused: {}{}", last_seq_, error.message,
                    fields({{"node", node_name_}, {"code", to_string(error.code)}}));
  }
  v1::ControllerMessage message;
  to_wire(error, last_seq_, message);
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::kOpen) {
    queue(message);
    advance();
  }
}

bool AgentStream::refuse_session(const Error& error) {
  parts_.counters.add(Count::kHellosRefused);
  parts_.log.warn("an agent's hello refused: {}{}", error.message,
                  fields({{"peer", peer_->address}, {"code", to_string(error.code)}}));
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::kGreeting) {
    refuse_and_close(error);
  }
  return false;
}

}  // namespace skerry::hub
