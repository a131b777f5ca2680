#include "controller/hub/stream.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "common/grpc_order.h"
#include "controller/hub/grpc_status.h"
#include "controller/hub/sessions.h"

namespace skerry::hub {

namespace {

constexpr std::size_t kOrdersInQueue = 8;  // standing orders that one queue can hold at least

}  // namespace

AgentStream* AgentStream::open(HubParts& parts, grpc::CallbackServerContext& context) {
  // deletes itself in OnDone
  auto* stream = new AgentStream(parts, context, peer_of(parts, context));
  stream->begin();
  return stream;
}

AgentStream::AgentStream(HubParts& parts, grpc::CallbackServerContext& context, Result<Peer> peer)
    : parts_(parts),
      context_(context),
      peer_(std::move(peer)),
      id_(parts.sessions.next_id()),
      opened_at_(parts.clock.now()),
      out_(parts.options.queue) {}

void AgentStream::begin() {
  parts_.counters.add(Count::kStreams);
  const grpc::Status turned_away = reason_to_turn_away();
  begun(this);
  const std::lock_guard lock(mutex_);
  if (!turned_away.ok()) {
    parts_.counters.add(Count::kTurnedAway);
    close(Phase::kClosing, turned_away);
  } else if (phase_ == Phase::kGreeting) {  // not stopped meanwhile
    StartSendInitialMetadata();
    StartRead(&in_);
  }
}

grpc::Status AgentStream::reason_to_turn_away() {
  if (!peer_) {
    return to_grpc(peer_.error());
  }
  return parts_.sessions.add(id_, *this)
             ? grpc::Status::OK
             : grpc::Status(grpc::StatusCode::UNAVAILABLE, "no more agents are taken now");
}

void AgentStream::OnDone() {
  reacting(this);
  parts_.sessions.remove(id_);
  report_end();
  delete this;
}

void AgentStream::report_end() {
  const std::lock_guard lock(mutex_);
  if (told_) {
    parts_.gateway.tell(core::SessionClosed{.session = id_, .goodbye = goodbye_});
    parts_.counters.add(Count::kSessionsClosed);
  }
  parts_.counters.take(Count::kStreams);
  if (read_held_) {
    parts_.counters.take(Count::kHeld);
  }
  const std::string how = goodbye_ ? "goodbye" : "the agent left";
  parts_.log.info("agent stream ended: {}{}", status_.ok() ? how : status_.error_message(),
                  fields({{"node", node_name_}, {"session", fmt::to_string(id_.value)}}));
}

void AgentStream::stop() {
  const std::lock_guard lock(mutex_);
  close(Phase::kClosing, {grpc::StatusCode::UNAVAILABLE, "the controller stops"});
}

void AgentStream::watch(Instant now) {
  const std::lock_guard lock(mutex_);
  const HubOptions& limits = parts_.options;
  const bool stalled = (phase_ == Phase::kGreeting && now - opened_at_ > limits.hello_timeout) ||
                       (phase_ == Phase::kClosing && now - closing_since_ > limits.close_timeout) ||
                       (write_in_flight_ && now - write_started_at_ > limits.write_timeout);
  if (stalled && phase_ != Phase::kBroken) {
    parts_.counters.add(Count::kStalls);
    close(Phase::kBroken, {grpc::StatusCode::DEADLINE_EXCEEDED, "the agent took too long"});
  }
}

// ---- writing

void AgentStream::send(const core::AgentCommand& command) {
  const std::lock_guard lock(mutex_);
  if (phase_ >= Phase::kClosing) {
    parts_.counters.add(Count::kSendsDropped);
    return;
  }
  std::visit([this](const auto& one) { write(one); }, command);
  advance();
}

void AgentStream::write(const core::WelcomeAgent& welcome) {
  v1::ControllerMessage message;
  to_wire(welcome, {.version = version_, .session = id_, .now = parts_.clock.now()}, message);
  parts_.counters.add_sent(message.body_case());
  out_.push_first(message);
  welcomed_ = true;
}

void AgentStream::write(const core::RefuseAgent& refusal) { refuse_and_close(refusal.error); }

void AgentStream::write(const core::AckHeartbeat&) {
  parts_.counters.add_sent(v1::ControllerMessage::kHeartbeatAck);
  out_.acknowledge_heartbeat(heartbeat_sent_us_);
}

void AgentStream::write(const core::GiveOrders& orders) {
  const HubOptions& options = parts_.options;
  OrderFacts facts{.manifests = {}, .api_url = options.api_url, .api_port = 0};
  if (options.api_url.empty() && (peer_->is_on_this_machine || !options.api_on_loopback)) {
    facts.api_port = options.api_port;
    facts.api_tls = options.api_tls;
  }
  // So that several of them fit into the queue, whatever operators apply: else it would break the stream.
  std::size_t room = options.queue.bytes / kOrdersInQueue;
  std::size_t left_out = 0;
  for (const auto& model : orders.models) {
    auto manifest = parts_.models.manifest_json(model.name, model.revision);
    if (manifest != nullptr && manifest->size() > room) {
      manifest = nullptr;
      ++left_out;
    }
    room -= manifest == nullptr ? 0 : manifest->size();
    facts.manifests.push_back(std::move(manifest));
  }
  if (left_out > 0) {
    parts_.log.warn(
        "{} models stay unknown to the site of {}: their manifests are too large "
        "together",
        left_out, node_name_);
  }
  v1::ControllerMessage message;
  to_wire(orders, facts, message);
  queue(message);
}

template <typename Command>
void AgentStream::write(const Command& command) {
  char block[1024];
  google::protobuf::Arena arena(block, sizeof(block));
  auto& message = *google::protobuf::Arena::CreateMessage<v1::ControllerMessage>(&arena);
  if constexpr (requires { command.manifest_revision; }) {
    to_wire(command, source_of(command.model, command.variant, command.manifest_revision), message);
  } else {
    to_wire(command, message);
  }
  queue(message);
}

VariantSource AgentStream::source_of(const std::string& model, const std::string& variant,
                                     std::uint64_t revision) {
  Artifact artifact = parts_.models.artifact(model, revision, variant);
  VariantSource source{.artifact = std::move(artifact.digest),
                       .artifact_bytes = artifact.bytes,
                       .manifest_json = nullptr};
  const auto [sent, first] = manifests_sent_.try_emplace(model, revision);
  if (first || sent->second != revision) {
    source.manifest_json = parts_.models.manifest_json(model, revision);
    sent->second = revision;
  }
  return source;
}

void AgentStream::queue(const v1::ControllerMessage& message) {
  parts_.counters.add_sent(message.body_case());
  if (!out_.push(message)) {
    parts_.counters.add(Count::kOverflows);
    close(Phase::kBroken, {grpc::StatusCode::RESOURCE_EXHAUSTED,
                           fmt::format("the agent is too slow: {} messages of {} bytes wait for it",
                                       out_.messages(), out_.bytes())});
  }
}

void AgentStream::refuse_and_close(const Error& error) {
  v1::ControllerMessage message;
  to_wire(error, 0, message);
  queue(message);
  close(Phase::kClosing, to_grpc(error));
}

void AgentStream::close(Phase how, const grpc::Status& status) {
  if (phase_ >= how) {
    return;
  }
  if (phase_ < Phase::kClosing) {
    closing_since_ = parts_.clock.now();
    status_ = status;
  }
  phase_ = how;
  if (how == Phase::kBroken) {
    out_.clear();
    context_.TryCancel();  // a write that the agent does not take fails now
  }
  advance();
}

void AgentStream::advance() {
  if (write_in_flight_ || finished_) {
    return;
  }
  const bool may_write = welcomed_ ? phase_ != Phase::kBroken : phase_ == Phase::kClosing;
  if (may_write && !out_.empty()) {
    OutQueue::Frame frame = out_.take_frame();
    parts_.counters.add(Count::kFramesSent);
    parts_.counters.add(Count::kMessagesSent, frame.messages);
    parts_.counters.add(Count::kBytesSent, frame.bytes.size());
    const grpc::Slice slice(frame.bytes);
    writing_ = grpc::ByteBuffer(&slice, 1);
    write_in_flight_ = true;
    write_started_at_ = parts_.clock.now();
    StartWrite(&writing_);
  } else if (phase_ >= Phase::kClosing) {
    finished_ = true;
    Finish(status_);
  }
}

void AgentStream::OnWriteDone(bool ok) {
  reacting(this);
  const std::lock_guard lock(mutex_);
  write_in_flight_ = false;
  if (!ok) {
    close(Phase::kBroken, {grpc::StatusCode::UNAVAILABLE, "the connection broke"});
  }
  advance();
}

}  // namespace skerry::hub
