// liveness.cc: which nodes are heard of, and what silence means for their tasks.
//
//   READY -- silent 4.25 s --> SUSPECT -- silent 5 s, or stream broken for 1 s --> DISCONNECTED
//     ^                           |                                                     |
//     +------ heard again --------+---------------------- hello ------------------------+
//
// SUSPECT: no new work; interactive tasks are placed again at once. DISCONNECTED: the node is given
// up, all its tasks are placed again (a late result of it still wins if it is the first). If most
// nodes of a site, or of the fleet, fall silent together, the fault is more likely ours: the brake
// holds re-placement until they are back or brake_max has passed. For that, who is silent is counted by
// site, from a heartbeat before SUSPECT on (overdue), so that nobody is ever searched for.

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "controller/core/context.h"

namespace skerry::core {

namespace {

bool silent(const NodeEntry& node) { return !node.session || node.suspect; }

// Nodes that fall silent at one moment become suspect one after the other, in the order of their last
// heartbeats. So who is overdue counts as silent, too: whoever is the first to become suspect must
// not have its tasks placed again because the others have not yet.
Duration overdue_after(const Settings& settings) {
  return settings.suspect_after - settings.heartbeat;
}

bool mostly_silent(const Settings& settings, const SilenceCount& count) {
  return count.known >= settings.brake_min_nodes &&
         count.silent > settings.brake_fraction * count.known;
}

// The site of which most nodes are silent; empty: most of the fleet; nullopt: neither.
std::optional<std::string> silent_group(const State& state) {
  if (mostly_silent(state.settings, state.fleet_silence)) {
    return std::string();
  }
  return state.silent_sites.empty() ? std::nullopt : std::optional(*state.silent_sites.begin());
}

void count_site(State& state, const std::string& site, const SilenceCount& count) {
  if (mostly_silent(state.settings, count)) {
    state.silent_sites.insert(site);
  } else {
    state.silent_sites.erase(site);
  }
}

void count_silence(State& state, NodeEntry& node) {
  auto& before = state.site_silence[node.counted_site];
  for (SilenceCount* total : {&before, &state.fleet_silence}) {
    total->known -= node.counted.known;
    total->silent -= node.counted.silent;
  }
  count_site(state, node.counted_site, before);
  if (before.known == 0) {
    state.site_silence.erase(node.counted_site);
  }
  node.counted_site = node.spec.site;
  node.counted = {.known = node.given_up ? 0U : 1U,
                  .silent = !node.given_up && (silent(node) || node.overdue) ? 1U : 0U};
  if (node.counted.known > 0) {
    auto& after = state.site_silence[node.counted_site];
    for (SilenceCount* total : {&after, &state.fleet_silence}) {
      total->known += node.counted.known;
      total->silent += node.counted.silent;
    }
    count_site(state, node.counted_site, after);
  }
}

void set_overdue(State& state, NodeEntry& node, bool overdue) {
  if (node.overdue != overdue) {
    node.overdue = overdue;
    count_silence(state, node);
  }
}

void brake_if_most_are_silent(Context& ctx) {
  State& state = ctx.state;
  if (state.braking || state.brake_spent) {
    return;
  }
  if (auto group = silent_group(state)) {
    state.braking = true;
    state.braking_since = ctx.now;
    ctx.happen(BrakeChanged{true, *std::move(group)});
  }
}

Duration patience(const State& state, const NodeEntry& node) {
  if (node.session) {
    return state.settings.disconnected_after;
  }
  return node.recovering ? state.settings.recovery_grace : state.settings.reconnect_grace;
}

void settle_tasks(Context& ctx, NodeEntry& node, std::string_view reason) {
  const std::set<JobId> jobs = node.jobs;
  for (const auto id : jobs) {
    if (const auto it = ctx.state.jobs.find(id); it != ctx.state.jobs.end()) {
      settle(ctx, it->second, reason);
    }
  }
}

void suspect(Context& ctx, NodeEntry& node) {
  node.suspect = true;
  update_availability(ctx, node);
  announce_node(ctx, node,
                fmt::format("silent for {:.1f} s", to_seconds(ctx.now - node.last_heard)));
  brake_if_most_are_silent(ctx);
  fall_silent(ctx, node, fmt::format("{} is silent", node.spec.name));
}

// Namespaces that may have a share of the slots may have more or fewer now.
void count_slots(State& state, NodeEntry& node, std::uint64_t slots) {
  if (node.counted_slots == slots) {
    return;
  }
  state.slots += slots - std::exchange(node.counted_slots, slots);
  state.quotas.set_slots(state.slots);
  for (const std::string& ns : state.quotas.with_share()) {
    state.ready.cap(ns, state.quotas.is_full(ns));
  }
}

}  // namespace

void give_up_node(Context& ctx, NodeEntry& node, std::string_view why) {
  node.given_up = true;
  node.suspect = true;
  node.recovering = false;
  update_availability(ctx, node);
  announce_node(ctx, node, why, ctx.batch_so_far());
  sequences_lost_with(ctx, node.id);
  fall_silent(ctx, node, fmt::format("{} is disconnected", node.spec.name));
}

void update_availability(Context& ctx, NodeEntry& node) {
  using scheduler::Availability;
  const bool reachable = node.session && !node.suspect && !node.given_up;
  const bool open = !node.cordoned && !node.draining;
  ctx.state.fleet.set_availability(
      node.id, !reachable ? Availability::kNotReady
                          : (open ? Availability::kReady : Availability::kCordoned));
  ctx.state.ready.unblock_all();
  count_silence(ctx.state, node);
  count_slots(ctx.state, node, reachable ? node.spec.slots : 0);
}

void fall_silent(Context& ctx, NodeEntry& node, std::string_view reason) {
  for (const auto id : node.jobs) {
    for (auto& attempt : ctx.state.jobs.at(id).job.live) {
      attempt.silent = attempt.silent || attempt.node == node.id;
    }
  }
  settle_tasks(ctx, node, reason);
}

void node_heard(Context& ctx, NodeEntry& node) {
  node.last_heard = ctx.now;
  set_overdue(ctx.state, node, false);
  if (!node.suspect) {
    return;
  }
  node.suspect = false;
  node.given_up = false;
  for (const auto id : node.jobs) {
    JobEntry& entry = ctx.state.jobs.at(id);
    for (auto& attempt : entry.job.live) {
      if (attempt.node == node.id) {
        resume(ctx, entry, attempt, attempt.started_at.has_value());
      }
    }
  }
  update_availability(ctx, node);
  announce_node(ctx, node, "heard of again");
  end_brake_if_over(ctx);
  schedule_node_timer(ctx, node);
}

void end_brake_if_over(Context& ctx) {
  State& state = ctx.state;
  const bool still = (state.braking || state.brake_spent) && silent_group(state);
  state.brake_spent = state.brake_spent && still;
  if (!state.braking || (still && ctx.now < state.braking_since + state.settings.brake_max)) {
    return;
  }
  state.brake_spent = still;
  state.braking = false;
  ctx.happen(BrakeChanged{false, {}});
  for (auto& [name, node] : state.nodes) {
    if (silent(node)) {
      settle_tasks(ctx, node, fmt::format("{} is silent", name));
    }
  }
}

void schedule_node_timer(Context& ctx, NodeEntry& node) {
  if (node.given_up) {
    return;
  }
  const Settings& settings = ctx.state.settings;
  const bool suspected = !node.session || node.suspect;
  const Duration wait = suspected      ? patience(ctx.state, node)
                        : node.overdue ? settings.suspect_after
                                       : overdue_after(settings);
  const bool held = suspected && ctx.state.braking;  // look again soon
  const Instant at = std::max(node.last_heard + wait, ctx.now + (held ? seconds(1) : Duration(0)));
  if (node.timer_at >= ctx.now && node.timer_at <= at) {
    return;
  }
  node.timer_at = at;
  ctx.state.timers.add({at, TimerKind::kNode, node.id.value});
}

void node_timer(Context& ctx, NodeId id) {
  const auto named = ctx.state.nodes.find(ctx.state.node_names.at(id.value));
  if (named == ctx.state.nodes.end() || named->second.id != id || named->second.given_up) {
    return;
  }
  NodeEntry& node = named->second;
  node.timer_at = node.timer_at <= ctx.now ? kNever : node.timer_at;
  end_brake_if_over(ctx);
  const Duration quiet = ctx.now - node.last_heard;
  if (node.session && !node.suspect) {
    // One step at a time: after a pause of ours all timers are due, and everybody's step to overdue is
    // before anybody's next.
    if (node.overdue && quiet >= ctx.state.settings.suspect_after) {
      suspect(ctx, node);
    }
    set_overdue(ctx.state, node, quiet >= overdue_after(ctx.state.settings));
  } else if (quiet >= patience(ctx.state, node)) {
    brake_if_most_are_silent(ctx);
    if (!ctx.state.braking) {
      give_up_node(ctx, node, "given up");
    }
  }
  schedule_node_timer(ctx, node);
}

}  // namespace skerry::core
