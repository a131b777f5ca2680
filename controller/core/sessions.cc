// sessions.cc: agents come, speak and go.
//
// A hello says what the agent runs and what results it holds. The core adopts what is still wanted,
// cancels what is not, and takes back what neither side has (a command lost in flight, or an agent
// that lost its memory).
//
// A name belongs to whoever has it for as long as it is heard of. An agent that comes back, with the
// identity of its state directory, takes over from its own older session at once.

#include <fmt/format.h>

#include <algorithm>

#include "common/check.h"
#include "controller/core/context.h"

namespace skerry::core {

namespace {

NodeEntry& enrol(Context& ctx, const AgentHello& hello) {
  State& state = ctx.state;
  NodeEntry node;
  node.id.value = static_cast<std::uint32_t>(state.node_names.size());
  node.spec = hello.node;
  node.enrolled_at = ctx.now;
  state.node_names.push_back(hello.node.name);
  state.fleet.put_node(node.id, hello.node);
  return state.nodes.emplace(hello.node.name, std::move(node)).first->second;
}

// Why the agent cannot have the name now. Agents without an identity are taken as before there
// was one: the newer one has it.
std::optional<Error> refusal(const Context& ctx, const NodeEntry& node, const AgentHello& hello) {
  const bool heard_of = node.session && !node.suspect;
  if (!heard_of || node.identity.empty() || hello.identity.empty()) {
    return std::nullopt;
  }
  if (node.identity != hello.identity) {
    return Error{ErrorCode::kAlreadyExists,
                 fmt::format("another agent is connected as '{}'; give this one another name, or "
                             "stop the other: the name is free {:.0f} s after it was last heard of",
                             node.spec.name, to_seconds(ctx.state.settings.suspect_after))};
  }
  if (hello.incarnation < node.incarnation) {
    return Error{ErrorCode::kConflict,
                 fmt::format("a later start of this agent ({}, not {}) is connected as '{}'; two "
                             "agents must not share a copy of one state directory",
                             node.incarnation, hello.incarnation, node.spec.name)};
  }
  return std::nullopt;
}

// Labels and site of its join token count, whatever the agent says.
void take_what_enrolment_gave(const State& state, AgentHello& hello) {
  const auto known = state.identities.find(hello.node.name);
  if (hello.certified_key.empty() || known == state.identities.end()) {
    return;
  }
  for (const auto& [key, value] : known->second.labels) {
    hello.node.labels.insert_or_assign(key, value);
  }
  if (!known->second.site.empty()) {
    hello.node.site = known->second.site;
  }
}

void replace_session(Context& ctx, NodeEntry& node, SessionId fresh) {
  if (node.session) {
    ctx.send(*node.session,
             RefuseAgent{Error{ErrorCode::kConflict,
                               fmt::format("a newer session of '{}' took over", node.spec.name)}});
    ctx.state.sessions.erase(*node.session);
  }
  node.session = fresh;
  ctx.state.sessions[fresh] = node.spec.name;
}

bool contains(const std::vector<AttemptRef>& refs, AttemptUid uid) {
  return std::ranges::find(refs, uid, &AttemptRef::uid) != refs.end();
}

// An attempt of it did not get to its node, or was given back: it is placed again and that costs no retry.
void place_again(Context& ctx, JobEntry& entry, std::string_view reason) {
  const bool waits = entry.job.state == TaskState::kReady || entry.job.state == TaskState::kBackoff;
  if (!waits && entry.job.live.empty()) {
    ++entry.job.retries.returned;
    store_state(ctx, entry, TaskState::kReady, {.reason = reason});
    line_up(ctx, entry);
  } else {
    job_changed(ctx, entry);
    settle(ctx, entry, reason);
  }
}

// Our live attempts on this node, against what it says it has. An agent that has been up all the time loses
// nothing that it was given: what it does not have got lost on its way there or back. One that was started
// anew may have died of it.
void reconcile(Context& ctx, NodeEntry& node, const AgentHello& hello, bool reborn) {
  const std::set<JobId> ours = node.jobs;
  for (const auto id : ours) {
    const auto it = ctx.state.jobs.find(id);
    if (it == ctx.state.jobs.end()) {
      continue;  // ended while we were at it
    }
    JobEntry& entry = it->second;
    std::vector<AttemptUid> here;
    for (const auto& attempt : entry.job.live) {
      if (attempt.node == node.id) {
        here.push_back(attempt.uid);
      }
    }
    for (const auto uid : here) {
      const bool running = contains(hello.running, uid);
      if (running || contains(hello.spooled, uid)) {
        resume(ctx, entry, *find_attempt(entry, uid), running);
      } else {
        hedge_dropped(ctx, entry, *find_attempt(entry, uid));
        drop_attempt(ctx, entry, uid);
      }
    }
    const std::string reason = fmt::format("{} came back without it", node.spec.name);
    if (reborn || goes_on_elsewhere(entry)) {
      settle(ctx, entry, reason);
    } else {
      place_again(ctx, entry, reason);
    }
  }
  for (const auto& ref : hello.running) {
    const auto it = ctx.state.jobs.find(ref.job);
    if (it == ctx.state.jobs.end() || find_attempt(it->second, ref.uid) == nullptr) {
      ctx.send(hello.session, CancelAttempt{ref, ctx.state.epoch, "not wanted any more"},
               ctx.batch_so_far());
    }
  }
}

}  // namespace

void handle(Context& ctx, AgentHello& event) {
  const auto known = ctx.state.nodes.find(event.node.name);
  const bool fresh = known == ctx.state.nodes.end();
  auto refused = refused_identity(ctx.state, event);
  if (!refused && !fresh) {
    refused = refusal(ctx, known->second, event);
  }
  if (refused) {
    ctx.send(event.session, RefuseAgent{*std::move(refused)});
    return;
  }
  take_what_enrolment_gave(ctx.state, event);
  NodeEntry& node = fresh ? enrol(ctx, event) : known->second;
  const bool another = !node.identity.empty() && node.identity != event.identity;
  const bool reborn = !fresh && (another || node.incarnation != event.incarnation);
  const bool changed = fresh || reborn || node.spec != event.node;
  replace_session(ctx, node, event.session);
  node.spec = event.node;
  node.identity = std::move(event.identity);
  node.incarnation = event.incarnation;
  node.energy_source = event.energy_source;
  node.devices = event.devices;
  node.software_version = event.software_version;
  node.alone = event.alone;
  node.brought = static_cast<std::uint32_t>(event.spooled.size());
  node.brought_jobs = 0;
  node.wants_orders = event.site_api;
  node.capacity = event.capacity;
  node.probing.reset();
  node.probed.clear();
  if (reborn) {
    node.cold = node.resident;
  }
  ctx.state.fleet.put_node(node.id, node.spec);
  ctx.state.fleet.set_capacity(node.id, node.capacity);
  set_loaded(ctx.state, node, std::move(event.resident));
  if (changed) {
    ctx.write(record_of(node));
    ctx.state.ready.reopen_held();
  }
  ctx.send(event.session, WelcomeAgent{ctx.state.epoch, ctx.state.settings.heartbeat},
           changed ? ctx.batch() : 0);
  ctx.send(event.session, SetNodeMode{node.draining});  // it may remember another
  give_orders(ctx, node, ctx.batch_so_far());
  node.given_up = false;
  node.suspect = false;
  node.overdue = false;
  node.recovering = false;
  node.last_heard = ctx.now;
  if (reborn) {
    sequences_lost_with(ctx, node.id);  // its runners died with the agent
  }
  forget_cancelled(ctx, node);
  reconcile(ctx, node, event, reborn);
  update_availability(ctx, node);
  end_brake_if_over(ctx);
  announce_node(ctx, node, fresh ? "enrolled" : "connected", changed ? ctx.batch() : 0);
  schedule_node_timer(ctx, node);
  probe_next(ctx, node);
}

void handle(Context& ctx, AgentHeartbeat& event) {
  NodeEntry* node = node_of(ctx.state, event.session);
  if (node == nullptr) {
    return;
  }
  node_heard(ctx, *node);
  const bool spool_was_full = node->telemetry.spool_full;
  node->telemetry = std::move(event.telemetry);
  if (node->telemetry.spool_full != spool_was_full) {
    ctx.happen(SpoolChanged{.node = node->spec.name,
                            .full = node->telemetry.spool_full,
                            .spooled = node->telemetry.spooled});
  }
  if (event.rtt.count() > 0) {
    node->rtt_s = to_seconds(event.rtt);
    const double bandwidth = node->telemetry.bandwidth_bytes_per_s;
    ctx.state.fleet.observe_link(node->id, node->rtt_s,
                                 bandwidth > 0 ? std::optional<double>(bandwidth) : std::nullopt);
  }
  ctx.send(event.session, AckHeartbeat{});
  probe_again(ctx, *node);
}

void handle(Context& ctx, CreditsChanged& event) {
  NodeEntry* node = node_of(ctx.state, event.session);
  if (node == nullptr) {
    return;
  }
  node_heard(ctx, *node);
  node->capacity = event.capacity;
  ctx.state.fleet.set_capacity(node->id, event.capacity);
  ctx.state.ready.unblock_all();
}

void handle(Context& ctx, ResidentChanged& event) {
  NodeEntry* node = node_of(ctx.state, event.session);
  if (node == nullptr) {
    return;
  }
  node_heard(ctx, *node);
  set_loaded(ctx.state, *node, std::move(event.variants));
  ctx.state.ready.unblock_all();  // what had no time to be loaded may be now
}

namespace {

// An agent says goodbye when it has nothing any more: what was on its way to it is placed again at once
// and costs no retry.
void take_back(Context& ctx, NodeEntry& node) {
  const std::set<JobId> jobs = node.jobs;
  for (const auto id : jobs) {
    JobEntry& entry = ctx.state.jobs.at(id);
    const auto attempt = std::ranges::find(entry.job.live, node.id, &Attempt::node);
    hedge_dropped(ctx, entry, *attempt);
    drop_attempt(ctx, entry, attempt->uid);
    place_again(ctx, entry, fmt::format("{} has stopped", node.spec.name));
  }
}

}  // namespace

void handle(Context& ctx, SessionClosed& event) {
  NodeEntry* node = node_of(ctx.state, event.session);
  if (node == nullptr) {
    return;  // replaced by a newer session already
  }
  ctx.state.sessions.erase(event.session);
  node->session.reset();
  node->last_heard = ctx.now;
  forget_cancelled(ctx, *node);
  if (event.goodbye) {
    take_back(ctx, *node);
  }
  fall_silent(ctx, *node, "its node's stream broke");
  update_availability(ctx, *node);
  announce_node(ctx, *node, event.goodbye ? "said goodbye" : "its stream broke");
  schedule_node_timer(ctx, *node);
}

}  // namespace skerry::core
