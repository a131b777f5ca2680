// nodes.cc: what several handlers ask of a node: which one it is, its state, who hears of it.

#include "controller/core/context.h"

namespace skerry::core {

NodeEntry* node_of(State& state, SessionId session) {
  const auto it = state.sessions.find(session);
  return it == state.sessions.end() ? nullptr : &state.nodes.at(it->second);
}

NodeEntry& node_by_id(State& state, NodeId id) {
  return state.nodes.at(state.node_names.at(id.value));
}

NodeState state_of(const NodeEntry& node) {
  if (!node.session || node.given_up) {
    return NodeState::kDisconnected;
  }
  if (node.suspect) {
    return NodeState::kSuspect;
  }
  if (node.draining) {
    return node.jobs.empty() ? NodeState::kDrained : NodeState::kDraining;
  }
  return node.cordoned ? NodeState::kCordoned : NodeState::kReady;
}

void announce_node(Context& ctx, const NodeEntry& node, std::string_view reason,
                   BatchNumber after) {
  ctx.happen(
      NodeChanged{node.spec.name, std::string(to_string(state_of(node))), std::string(reason)},
      after);
}

void drained_if_empty(Context& ctx, NodeEntry& node) {
  if (node.draining && node.jobs.empty() && node.session) {
    announce_node(ctx, node, "drained", ctx.batch_so_far());
  }
}

}  // namespace skerry::core
