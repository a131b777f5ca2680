// standing_orders.cc: what nodes with a site API work by while we are away: the models, the policy, and
// the tokens of those who may call, as they stand. Told after each hello, and whenever they change.

#include "controller/core/context.h"

namespace skerry::core {

namespace {

bool reads_metrics(const Grant& grant) {
  return grant.ns.empty() && (grant.role == Role::kMetrics || grant.role == Role::kOperator ||
                              grant.role == Role::kClusterAdmin);
}

// What the token may do at a site: nobody changes models, nodes or policies there.
GiveOrders::Token for_sites(const Token& token) {
  GiveOrders::Token given{
      .id = token.id, .secret_hash = token.secret_hash, .expires_at = token.expires_at};
  for (const Grant& grant : token.grants) {
    given.reads_metrics = given.reads_metrics || reads_metrics(grant);
    switch (grant.role) {
      case Role::kSubmitter:
      case Role::kNamespaceAdmin:
      case Role::kClusterAdmin:
        given.submitters.push_back(grant.ns);
        break;
      case Role::kViewer:
        given.readers.push_back(grant.ns);
        break;
      case Role::kOperator:
      case Role::kAuditor:
      case Role::kMetrics:
        break;
    }
  }
  return given;
}

}  // namespace

void give_orders(Context& ctx, const NodeEntry& node, BatchNumber after) {
  if (!node.wants_orders || !node.session) {
    return;
  }
  GiveOrders orders{.models = {}, .policy = ctx.state.policies.active.name, .bundle = nullptr};
  for (const auto& [name, model] : ctx.state.models) {
    orders.models.push_back({name, model.revision});
  }
  for (const auto& [id, token] : ctx.state.tokens) {
    GiveOrders::Token given = for_sites(token);
    if (!given.readers.empty() || !given.submitters.empty() || given.reads_metrics) {
      orders.tokens.push_back(std::move(given));
    }
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
