#include "agent/agent.h"

#include <algorithm>

namespace skerry::agent {
namespace {

// What runs was ended by then; its results get this long to be delivered.
constexpr Duration kDeliveryLimit = seconds(2);

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

}  // namespace

Agent::Agent(AgentOptions options, AgentLink& link, Journal& journal, std::vector<Engine*> engines,
             Blobs& blobs, EnergyMeter& meter, Sensors& sensors, Epoch newest_epoch, Random random,
             Log& log)
    : options_(std::move(options)),
      journal_(journal),
      sensors_(sensors),
      executor_(options_.executor, std::move(engines), blobs, journal, meter, log),
      session_(options_.session, link, journal, *this, newest_epoch, random, log) {}

void Agent::start(Instant now) {
  executor_.restore(now);
  session_.start(now);
  settle(now);
}

void Agent::stop(Instant now) {
  if (stopping_) {
    return;
  }
  stopping_ = true;
  stop_at_ = now + options_.stop_limit;
  abandon_at_ = stop_at_ + kDeliveryLimit;
  executor_.set_draining(now, true);
  settle(now);
}

void Agent::link_opened(Instant now, ConnectionId id) {
  session_.opened(now, id);
  settle(now);
}

void Agent::link_received(Instant now, ConnectionId id, std::vector<Incoming> frame) {
  for (Incoming& message : frame) {
    if (auto command = session_.received(now, id, std::move(message))) {
      handle(now, *std::move(command));
    }
  }
  settle(now);
}

void Agent::link_written(Instant now, ConnectionId id) {
  session_.written(now, id);
  settle(now);
}

void Agent::link_closed(Instant now, ConnectionId id, const std::string& reason) {
  session_.closed(now, id, reason);
  settle(now);
}

void Agent::blob_fetched(Instant now, Fetched fetched) {
  executor_.fetched(now, std::move(fetched));
  settle(now);
}

void Agent::blob_stored(Instant now, Stored stored) {
  executor_.stored(now, std::move(stored));
  settle(now);
}

void Agent::handle(Instant now, ToAgent message) {
  std::visit(Overloaded{
                 [&](Assign& assign) { executor_.assign(now, std::move(assign)); },
                 [&](Cancel& cancel) { executor_.cancel(now, cancel); },
                 [&](Probe& probe) { executor_.probe(now, probe); },
                 [&](NodeMode& mode) { executor_.set_draining(now, mode.draining || stopping_); },
                 [](auto&) {},  // the session has dealt with the others
             },
             message);
}

void Agent::settle(Instant now) {
  executor_.settle(now);
  journal_.settle(now);
  for (ToController& message : executor_.take_messages()) {
    session_.send(now, std::move(message));
  }
  if (stopping_ && executor_.idle()) {
    session_.finish(now, "the agent is stopping");
  } else {
    session_.flush(now);
  }
}

void Agent::on_time(Instant now) {
  if (now >= stop_at_) {
    stop_at_ = kNever;
    executor_.abort_running(now, "the node is stopping");
  }
  if (now >= abandon_at_) {
    abandon_at_ = kNever;
    session_.abandon();
  }
  executor_.on_time(now);
  session_.on_time(now);
  settle(now);
}

Instant Agent::next_timer() const {
  return std::min({executor_.next_timer(), session_.next_timer(), stop_at_, abandon_at_});
}

Hello Agent::hello() {
  return {.node_name = options_.node_name,
          .identity = options_.identity,
          .incarnation = options_.incarnation,
          .capabilities = options_.capabilities,
          .capacity = executor_.capacity(),
          .resident = executor_.resident(),
          .software_version = options_.software_version};
}

Telemetry Agent::telemetry(Instant now) {
  Telemetry telemetry = sensors_.sample(now);
  telemetry.queued = executor_.queued();
  telemetry.running = executor_.running();
  telemetry.spooled = static_cast<std::uint32_t>(journal_.spooled_count());
  return telemetry;
}

}  // namespace skerry::agent
