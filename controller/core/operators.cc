// operators.cc: what operators ask of nodes.

#include <fmt/format.h>

#include <algorithm>

#include "controller/core/context.h"

namespace skerry::core {

namespace {

// Whether the action changes anything.
bool apply_action(NodeEntry& node, NodeAction action) {
  const auto before = std::pair(node.cordoned, node.draining);
  switch (action) {
    case NodeAction::kCordon:
      node.cordoned = true;
      break;
    case NodeAction::kUncordon:
      node.cordoned = false;
      node.draining = false;
      break;
    case NodeAction::kDrain:
      node.draining = true;
      break;
    case NodeAction::kRemove:
      break;
  }
  return before != std::pair(node.cordoned, node.draining);
}

std::string_view past_tense(NodeAction action) {
  switch (action) {
    case NodeAction::kCordon:
      return "cordoned";
    case NodeAction::kUncordon:
      return "uncordoned";
    case NodeAction::kDrain:
      return "draining";
    case NodeAction::kRemove:
      return "removed";
  }
  return "changed";
}

void remove_node(Context& ctx, const ChangeNode& event, NodeEntry& node) {
  if (node.session || !node.given_up) {
    ctx.answer(event.ticket,
               fail(ErrorCode::kConflict,
                    fmt::format("node '{}' is connected; stop its agent first", event.name)));
    return;
  }
  const std::set<JobId> jobs = node.jobs;
  for (const auto id : jobs) {  // silent attempts of tasks that were placed again
    JobEntry& entry = ctx.state.jobs.at(id);
    while (true) {
      const auto attempt = std::ranges::find(entry.job.live, node.id, &Attempt::node);
      if (attempt == entry.job.live.end()) {
        break;
      }
      hedge_dropped(ctx, entry, *attempt);
      drop_attempt(ctx, entry, attempt->uid);
    }
    settle(ctx, entry, "its node was removed");
  }
  ctx.state.fleet.remove_node(node.id);  // its slots do not count: it is not there
  ctx.state.nodes.erase(event.name);
  ctx.write(DeleteNodeRecord{event.name});
  ctx.answer(event.ticket, Changed{true}, ctx.batch());
  ctx.happen(NodeChanged{event.name, "REMOVED", "by an operator"}, ctx.batch());
}

}  // namespace

void handle(Context& ctx, ChangeNode& event) {
  const auto it = ctx.state.nodes.find(event.name);
  if (it == ctx.state.nodes.end()) {
    ctx.answer(event.ticket,
               fail(ErrorCode::kNotFound, fmt::format("there is no node named '{}'", event.name)));
    return;
  }
  NodeEntry& node = it->second;
  if (event.action == NodeAction::kRemove) {
    remove_node(ctx, event, node);
    return;
  }
  const bool was_draining = node.draining;
  if (!apply_action(node, event.action)) {
    ctx.answer(event.ticket, Changed{false}, ctx.state.batches);
    return;
  }
  ctx.write(record_of(node));
  update_availability(ctx, node);
  if (node.session && was_draining != node.draining) {
    ctx.send(*node.session, SetNodeMode{node.draining}, ctx.batch());
  }
  ctx.answer(event.ticket, Changed{true}, ctx.batch());
  announce_node(ctx, node, past_tense(event.action), ctx.batch());
}

}  // namespace skerry::core
