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
             Log& log, std::optional<SiteParts> site)
    : options_(std::move(options)),
      journal_(journal),
      journals_(journal, site_journal_),
      sensors_(sensors),
      site_(site ? &site->port : nullptr),
      executor_(options_.executor, std::move(engines), blobs, journals_, meter, log),
      session_(options_.session, link, journal, *this, newest_epoch, random, log) {
  if (site) {
    SessionOptions with_site = options_.session;
    with_site.peer = "the site's own API";
    site_session_.emplace(std::move(with_site), site->link, site_journal_, *this, Epoch{},
                          random.fork("site"), log);
  }
}

Session& Agent::session_with(Master master) {
  return master == Master::kSite && site_session_ ? *site_session_ : session_;
}

void Agent::start(Instant now) {
  executor_.restore(now);
  session_.start(now);
  if (site_session_) {
    site_session_->start(now);
  }
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

void Agent::link_opened(Instant now, ConnectionId id, Master master) {
  session_with(master).opened(now, id);
  settle(now);
}

void Agent::link_received(Instant now, ConnectionId id, std::vector<Incoming> frame,
                          Master master) {
  for (Incoming& message : frame) {
    if (auto given = session_with(master).received(now, id, std::move(message))) {
      handle(now, *std::move(given), master);
    }
  }
  settle(now);
}

void Agent::link_written(Instant now, ConnectionId id, Master master) {
  session_with(master).written(now, id);
  settle(now);
}

void Agent::link_closed(Instant now, ConnectionId id, const std::string& reason, Master master) {
  session_with(master).closed(now, id, reason);
  settle(now);
}

void Agent::bring(Instant now, SiteJob job) {
  session_.send(now, std::move(job));
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

void Agent::handle(Instant now, ToAgent message, Master master) {
  if (auto* assign = std::get_if<Assign>(&message)) {
    assign->attempt.master = master;
    executor_.assign(now, std::move(*assign));
  } else if (const auto* cancel = std::get_if<Cancel>(&message)) {
    executor_.cancel(now, *cancel);
  } else if (master == Master::kController) {
    command(now, std::move(message));
  }
}

void Agent::command(Instant now, ToAgent message) {
  std::visit(Overloaded{
                 [&](StandingOrders& orders) {
                   if (site_ != nullptr) {
                     site_->ordered(std::move(orders));
                   }
                 },
                 [&](SiteJobTaken& taken) {
                   if (site_ != nullptr) {
                     site_->taken(taken);
                   }
                 },
                 [&](Probe& probe) { executor_.probe(now, probe); },
                 [&](NodeMode& mode) { executor_.set_draining(now, mode.draining || stopping_); },
                 [](auto&) {},  // the session has dealt with the others
             },
             message);
}

void Agent::settle(Instant now) {
  executor_.settle(now);
  journals_.settle(now);
  for (ToController& message : executor_.take_messages()) {
    route(now, std::move(message));
  }
  for (const Master master : {Master::kController, Master::kSite}) {
    if (master == Master::kSite && !site_session_) {
      continue;
    }
    if (stopping_ && executor_.idle()) {
      session_with(master).finish(now, "the agent is stopping");
    } else {
      session_with(master).flush(now);
    }
  }
  tell_site();
}

// What one attempt says is for its master; what the node is, for both.
void Agent::route(Instant now, ToController message) {
  const AttemptRef* attempt = nullptr;
  if (const auto* started = std::get_if<Started>(&message)) {
    attempt = &started->attempt;
  } else if (const auto* returned = std::get_if<Returned>(&message)) {
    attempt = &returned->attempt;
  }
  if (attempt != nullptr) {
    Session& session = session_with(attempt->master);
    return session.send(now, std::move(message));
  }
  if (site_session_ && !std::holds_alternative<ProbeResult>(message)) {
    site_session_->send(now, message);
  }
  session_.send(now, std::move(message));
}

void Agent::tell_site() {
  if (site_ != nullptr && site_knows_live_ != session_.live()) {
    site_knows_live_ = session_.live();
    site_->connected(site_knows_live_);
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
    if (site_session_) {
      site_session_->abandon();
    }
  }
  executor_.on_time(now);
  session_.on_time(now);
  if (site_session_) {
    site_session_->on_time(now);
  }
  settle(now);
}

Instant Agent::next_timer() const {
  const Instant site = site_session_ ? site_session_->next_timer() : kNever;
  return std::min({executor_.next_timer(), session_.next_timer(), site, stop_at_, abandon_at_});
}

Hello Agent::hello() {
  return {.node_name = options_.node_name,
          .identity = options_.identity,
          .incarnation = options_.incarnation,
          .capabilities = options_.capabilities,
          .capacity = executor_.capacity(),
          .resident = executor_.resident(),
          .software_version = options_.software_version,
          .site_api = site_ != nullptr};
}

Telemetry Agent::telemetry(Instant now) {
  Telemetry telemetry = sensors_.sample(now);
  telemetry.queued = executor_.queued();
  telemetry.running = executor_.running();
  telemetry.spooled = static_cast<std::uint32_t>(journal_.spooled_count());
  telemetry.spool_full = executor_.spool_full();
  return telemetry;
}

}  // namespace skerry::agent
