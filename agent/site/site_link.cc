#include "agent/site/site_link.h"

#include <boost/asio/post.hpp>
#include <utility>
#include <variant>

#include "agent/wire.h"
#include "controller/hub/translate.h"
#include "controller/hub/validate.h"

namespace skerry::agent {

SiteLink::SiteLink(boost::asio::any_io_executor strand, controller::Gateway& gateway,
                   hub::ModelSource& models, LinkEvents& events, Clock& clock, Log& log)
    : strand_(std::move(strand)),
      gateway_(gateway),
      models_(models),
      events_(events),
      clock_(clock),
      log_(log) {}

// A closed connection says nothing more.
template <typename Call>
void SiteLink::later(ConnectionId id, Call call) {
  boost::asio::post(strand_, [this, id, call = std::move(call)]() mutable {
    if (open_ == id) {
      call();
    }
  });
}

void SiteLink::connect(ConnectionId id) {
  open_ = id;
  last_seq_ = 0;
  later(id, [this, id] { events_.link_opened(id); });
}

void SiteLink::write(ConnectionId id, std::vector<Outgoing> frame) {
  if (id != open_) {
    return;
  }
  v1::AgentFrame wire = to_wire(frame);
  for (v1::AgentMessage& message : *wire.mutable_messages()) {
    take(message);
  }
  later(id, [this, id] { events_.link_written(id); });
}

void SiteLink::close(ConnectionId id, bool) {
  if (id == open_) {
    gateway_.tell(core::SessionClosed{.session = {id}});
    open_ = 0;
  }
}

void SiteLink::take(v1::AgentMessage& message) {
  if (message.has_probe_result() || message.has_goodbye()) {
    return;  // the controller's affair
  }
  if (message.has_heartbeat()) {
    heartbeat_sent_us_ = message.heartbeat().sent_us();
  }
  auto event = hub::event_of(message, {open_});
  if (!event) {
    log_.warn("the site's own API refuses a message of its agent: {}", event.error().message);
    return;
  }
  gateway_.tell(*std::move(event));
}

void SiteLink::send(const core::Send& send) {
  if (send.session.value != open_) {
    return;
  }
  v1::ControllerMessage message;
  const auto source_of = [&](const auto& command) {
    hub::Artifact artifact =
        models_.artifact(command.model, command.manifest_revision, command.variant);
    return hub::VariantSource{
        .artifact = std::move(artifact.digest),
        .artifact_bytes = artifact.bytes,
        .manifest_json = models_.manifest_json(command.model, command.manifest_revision)};
  };
  if (const auto* welcome = std::get_if<core::WelcomeAgent>(&send.command)) {
    hub::to_wire(*welcome, {.version = hub::kMaxVersion, .session = {open_}, .now = clock_.now()},
                 message);
  } else if (const auto* refusal = std::get_if<core::RefuseAgent>(&send.command)) {
    hub::to_wire(refusal->error, 0, message);
  } else if (std::holds_alternative<core::AckHeartbeat>(send.command)) {
    message.mutable_heartbeat_ack()->set_sent_us(heartbeat_sent_us_);
  } else if (const auto* assign = std::get_if<core::AssignAttempt>(&send.command)) {
    hub::to_wire(*assign, source_of(*assign), message);
  } else if (const auto* cancel = std::get_if<core::CancelAttempt>(&send.command)) {
    hub::to_wire(*cancel, message);
  } else if (const auto* ack = std::get_if<core::AckResult>(&send.command)) {
    hub::to_wire(*ack, message);
  } else {
    return;  // it neither probes nor drains, and has no orders to give
  }
  deliver(std::move(message));
}

void SiteLink::deliver(v1::ControllerMessage message) {
  message.set_seq(++last_seq_);
  later(open_, [this, id = open_, message = std::move(message)]() mutable {
    v1::ControllerFrame frame;
    *frame.add_messages() = std::move(message);
    events_.link_received(id, from_wire(frame));
  });
}

}  // namespace skerry::agent
