// standing_orders.cc: what nodes with a site API work by while we are away: the models and the policy as
// they stand. Told after each hello, and whenever they change.

#include "controller/core/context.h"

namespace skerry::core {

void give_orders(Context& ctx, const NodeEntry& node, BatchNumber after) {
  if (!node.wants_orders || !node.session) {
    return;
  }
  GiveOrders orders{.models = {}, .policy = ctx.state.policies.active.name, .bundle = nullptr};
  for (const auto& [name, model] : ctx.state.models) {
    orders.models.push_back({name, model.revision});
  }
  if (const HeldBundle* held = ctx.state.policies.bundle(ctx.state.policies.active)) {
    orders.bundle = held->bytes;
  }
  ctx.send(*node.session, std::move(orders), after);
}

void orders_changed(Context& ctx) {
  for (const auto& [name, node] : ctx.state.nodes) {
    give_orders(ctx, node, ctx.batch_so_far());
  }
}

}  // namespace skerry::core
