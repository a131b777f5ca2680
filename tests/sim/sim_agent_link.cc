// The link of a simulated node: its agent's connections, as streams that may break at either end.

#include <boost/json/serialize.hpp>
#include <utility>

#include "tests/sim/sim_life.h"
#include "tests/sim/wire.h"

namespace skerry::sim {

namespace {

std::string manifest_json(const core::Core& core, const core::AgentCommand& command) {
  const auto of = [&](const std::string& model, std::uint64_t revision) {
    const ModelManifest* manifest = core.manifest(model, revision);
    return manifest == nullptr ? "" : boost::json::serialize(manifest_to_json(*manifest));
  };
  if (const auto* assign = std::get_if<core::AssignAttempt>(&command)) {
    return of(assign->model, assign->manifest_revision);
  }
  if (const auto* probe = std::get_if<core::ProbeVariant>(&command)) {
    return of(probe->model, probe->manifest_revision);
  }
  return {};
}

}  // namespace

void SimAgent::connect(agent::ConnectionId id) {
  connection_ = id;
  const bool answered = reachable();
  if (!answered && random_.chance(0.5)) {
    return;  // nobody says no either: the agent gives it up in time
  }
  later(network_delay(), [this, id, answered] {
    if (!life_ || id != connection_) {
      return;
    }
    if (!answered || !reachable()) {
      step([this, id](Instant now) { life_->agent.link_closed(now, id, "refused"); });
      return;
    }
    stream_ = std::make_shared<Stream>(world_, world_.new_session(), [this](Stream::Way way) {
      return way == Stream::Way::kToAgent
                 ? std::max({down_cut_until_, paused_until_, clogged_until_})
                 : up_cut_until_;
    });
    heartbeats_.clear();
    step([this, id](Instant now) { life_->agent.link_opened(now, id); });
  });
}

void SimAgent::write(agent::ConnectionId id, std::vector<agent::Outgoing> frame) {
  const StreamPtr stream = stream_;
  if (world_.now() < clogged_until_) {  // the frame waits here, and so does all that gathers behind
    later(clogged_until_ - world_.now(), [this, stream, id, frame = std::move(frame)]() mutable {
      say_frame(stream, id, std::move(frame));
    });
  } else {
    say_frame(stream, id, std::move(frame));
  }
}

void SimAgent::say_frame(const StreamPtr& stream, agent::ConnectionId id,
                         std::vector<agent::Outgoing> frame) {
  for (agent::Outgoing& message : frame) {
    if (stream) {
      say(stream, std::move(message.body));
    }
  }
  later(microseconds(100),
        [this, id] { step([this, id](Instant now) { life_->agent.link_written(now, id); }); });
}

void SimAgent::say(const StreamPtr& stream, agent::ToController message) {
  if (!stream->controller_open() || !stream->agent_open()) {
    ++world_.probes().reports_lost;
    return;
  }
  Instant sent{};
  if (const auto* heartbeat = std::get_if<agent::Heartbeat>(&message)) {
    sent = heartbeat->sent;
  } else if (const auto* hello = std::get_if<agent::Hello>(&message)) {
    world_.probes().attempts_adopted += hello->running.size();
    world_.probes().results_sent_again += hello->spooled.size();
  }
  auto event = to_core(std::move(message), stream->session());
  if (!event) {
    return;
  }
  stream->put(Stream::Way::kToController, network_delay(),
              [this, sent, event = *std::move(event)](Stream& on) mutable {
                if (!on.controller_open()) {
                  return;
                }
                world_.probes().reports_after_break += on.agent_open() ? 0 : 1;
                if (sent != Instant{} && stream_.get() == &on) {
                  heartbeats_.push_back(sent);
                }
                world_.claim_output(event);
                world_.tell_core(std::move(event));
              });
}

void SimAgent::close(agent::ConnectionId /*id*/, bool flush) {
  const StreamPtr stream = std::exchange(stream_, nullptr);
  if (!stream) {
    return;
  }
  if (flush) {  // its end comes behind all that was said
    stream->put(Stream::Way::kToController, network_delay(),
                [this](Stream& on) { controller_notices(on.shared_from_this(), true); });
    stream->agent_notices(random_, Stream::UnderWay::kArrives);
    return;
  }
  stream->agent_notices(random_);
  world_.after(network_delay(), [this, stream] { controller_notices(stream); });
}

void SimAgent::command(const core::AgentCommand& command) {
  Instant sent{};
  if (std::holds_alternative<core::AckHeartbeat>(command) && !heartbeats_.empty()) {
    sent = heartbeats_.front();
    heartbeats_.pop_front();
  }
  if (const auto* ack = std::get_if<core::AckResult>(&command)) {
    world_.probes().late_results_refused += ack->committed ? 0 : 1;
    if (std::exchange(lose_next_ack_, false)) {
      felt(Fault::kAckLost);
      world_.after(Duration(0), [this, stream = stream_] { agent_notices(stream); });
      world_.after(duration_from_seconds(random_.uniform(0, 4)),
                   [this, stream = stream_] { controller_notices(stream); });
      return;
    }
  } else if (const auto* probe = std::get_if<core::ProbeVariant>(&command)) {
    world_.probes().probed_again += probe->resident_only ? 1 : 0;
  }
  agent::Incoming message{.seq = 1,
                          .body = to_agent(command, manifest_json(world_.core(), command), sent)};
  const bool refuses = std::holds_alternative<core::RefuseAgent>(command);
  stream_->put(
      Stream::Way::kToAgent, network_delay(),
      [this, refuses, message = std::move(message), id = connection_, life = lives_](Stream& on) {
        if (!on.agent_open() || life != lives_) {
          return;
        }
        world_.probes().commands_after_break += on.controller_open() ? 0 : 1;
        step([&](Instant now) { life_->agent.link_received(now, id, {message}); });
        if (refuses && stream_.get() == &on) {
          agent_notices(stream_);
        }
      });
}

void SimAgent::agent_notices(StreamPtr stream) {
  if (stream->agent_notices(random_)) {
    agent_lost(stream);
  }
}

void SimAgent::agent_lost(StreamPtr stream) {
  if (stream_ == stream) {
    stream_ = nullptr;
    step([this](Instant now) { life_->agent.link_closed(now, connection_, "broken"); });
  }
}

void SimAgent::controller_notices(StreamPtr stream, bool goodbye) {
  if (stream->controller_notices(random_)) {
    world_.session_closed(stream->session(), goodbye);
  }
}

// The end that notices later may do so after the other has come back with another stream.
void SimAgent::break_at_both_ends(StreamPtr stream) {
  const Duration later_by = duration_from_seconds(random_.uniform(0, 4));
  if (life_ && random_.chance(0.3)) {
    controller_notices(stream);
    world_.after(later_by, [this, stream] { agent_notices(stream); });
  } else {
    agent_notices(stream);
    world_.after(later_by, [this, stream] { controller_notices(stream); });
  }
}

}  // namespace skerry::sim
