// policies.cc: policies are applied, promoted, tried in the shadow, rolled back and deleted.
//
// Between two decisions a policy takes the place of another; no task waits for it and none is
// refused. What is active is durable before anybody is told.

#include <fmt/format.h>

#include <algorithm>

#include "controller/core/context.h"
#include "scheduler/ranking.h"

namespace skerry::core {

namespace {

using scheduler::Breaker;

constexpr std::string_view kReservedName = "active";  // of the route /policies/active

auto unknown_policy(const PolicyTable& table, std::string_view name) {
  std::string known = fmt::format("{}", fmt::join(scheduler::heuristic_names(), ", "));
  std::string_view last;
  for (const auto& [ref, held] : table.bundles()) {
    if (ref.name != last) {
      known += ", " + ref.name;
    }
    last = ref.name;
  }
  return fail(ErrorCode::kNotFound, fmt::format("there is no policy named '{}'; known are: {}",
                                                name.substr(0, 80), known));
}

Result<std::unique_ptr<scheduler::Policy>> make(const State& state, const PolicyRef& ref) {
  if (auto heuristic = scheduler::make_heuristic(ref.name)) {
    return heuristic;
  }
  const HeldBundle* held = state.policies.bundle(ref);
  if (held == nullptr) {
    return fail(ErrorCode::kNotFound,
                fmt::format("the bundle of policy '{}' version {} is gone", ref.name, ref.version));
  }
  if (state.factory == nullptr) {
    return fail(ErrorCode::kUnsupported, "this controller scores with no bundles");
  }
  return state.factory->make(*held->bytes);
}

void install(State& state, const PolicyRef& ref, std::unique_ptr<scheduler::Policy> policy) {
  auto breaker = is_builtin(ref.name) ? nullptr : std::make_unique<Breaker>(state.settings.breaker);
  state.placer.ranking().set_policy(std::move(policy), std::move(breaker));
  state.policies.active = ref;
  ++state.policies.activation;
  state.policies.breaker_changes = 0;
}

bool drop_shadow(State& state, std::string_view name) {
  auto& shadows = state.policies.shadows;
  const auto found = std::ranges::find_if(
      shadows, [&](const ShadowEntry& shadow) { return shadow.ref.name == name; });
  if (found == shadows.end()) {
    return false;
  }
  state.placer.ranking().remove_shadow(static_cast<std::size_t>(found - shadows.begin()));
  shadows.erase(found);
  return true;
}

void add_shadow(State& state, const PolicyRef& ref, std::unique_ptr<scheduler::Policy> policy) {
  state.placer.ranking().add_shadow(std::move(policy), state.settings.breaker);
  state.policies.shadows.push_back(
      {.ref = ref, .serial = ++state.policies.last_serial, .stats = {}});
}

// The state of the table is written, and bundles that nothing needs any more go.
void store_table(Context& ctx) {
  for (const PolicyRef& ref : ctx.state.policies.unneeded()) {
    ctx.state.policies.erase(ref);
    ctx.write(DeletePolicyRecord{ref});
  }
  ctx.write(meta_record(ctx.state));
}

void tell(Context& ctx, const PolicyRef& ref, std::string_view change, std::string reason = {}) {
  ctx.happen(PolicyChanged{.policy = ref.name,
                           .version = ref.version,
                           .change = std::string(change),
                           .reason = std::move(reason)},
             ctx.batch_so_far());
}

void done(Context& ctx, Ticket ticket, bool changed = true) {
  ctx.answer(ticket, Changed{changed}, ctx.batch_so_far());
}

// Makes it the active policy. An error leaves everything as it was.
Status activate(Context& ctx, const PolicyRef& ref) {
  State& state = ctx.state;
  auto policy = make(state, ref);
  if (!policy) {
    return fail(std::move(policy).error());
  }
  state.policies.previous = state.policies.active;
  drop_shadow(state, ref.name);
  install(state, ref, *std::move(policy));
  state.ready.unblock_all();
  orders_changed(ctx);
  return {};
}

void promote(Context& ctx, Ticket ticket, const PolicyRef& ref) {
  PolicyTable& table = ctx.state.policies;
  if (table.active == ref) {
    if (!std::exchange(table.operator_chose, true)) {
      store_table(ctx);
    }
    done(ctx, ticket, false);
    return;
  }
  if (Status active = activate(ctx, ref); !active) {
    ctx.answer(ticket, fail(std::move(active).error()));
    return;
  }
  table.operator_chose = true;
  store_table(ctx);
  done(ctx, ticket);
  tell(ctx, ref, "promoted");
}

void shadow(Context& ctx, Ticket ticket, const PolicyRef& ref) {
  State& state = ctx.state;
  const auto& shadows = state.policies.shadows;
  if (std::ranges::find(shadows, ref, &ShadowEntry::ref) != shadows.end()) {
    done(ctx, ticket, false);
    return;
  }
  if (state.policies.active == ref) {
    ctx.answer(ticket, fail(ErrorCode::kConflict,
                            fmt::format("policy '{}' is active; a shadow would only agree with it",
                                        ref.name)));
    return;
  }
  if (shadows.size() >= kMaxShadows && !state.policies.is_shadow(ref.name)) {
    ctx.answer(ticket, fail(ErrorCode::kConflict,
                            fmt::format("{} policies are shadows already, and more would slow down "
                                        "every decision; unshadow one first",
                                        kMaxShadows)));
    return;
  }
  auto policy = make(state, ref);
  if (!policy) {
    ctx.answer(ticket, fail(std::move(policy).error()));
    return;
  }
  drop_shadow(state, ref.name);  // an older version
  add_shadow(state, ref, *std::move(policy));
  store_table(ctx);
  done(ctx, ticket);
  tell(ctx, ref, "shadowed");
}

void unshadow(Context& ctx, Ticket ticket, const PolicyRef& ref) {
  const bool was = drop_shadow(ctx.state, ref.name);
  if (was) {
    store_table(ctx);
    tell(ctx, ref, "unshadowed");
  }
  done(ctx, ticket, was);
}

void remove(Context& ctx, Ticket ticket, const PolicyRef& newest) {
  PolicyTable& table = ctx.state.policies;
  const std::string& name = newest.name;
  const auto refuse = [&](std::string_view why) {
    ctx.answer(ticket, fail(ErrorCode::kConflict, fmt::format("policy '{}' {}", name, why)));
  };
  if (is_builtin(name)) {
    return refuse("is built in and cannot be deleted");
  }
  if (table.active.name == name) {
    return refuse("is active; promote another one first");
  }
  if (table.is_shadow(name)) {
    return refuse("is a shadow; unshadow it first");
  }
  if (table.previous && table.previous->name == name) {
    table.previous.reset();
  }
  const auto bundles = table.bundles();
  for (const auto& [ref, held] : bundles) {
    if (ref.name == name) {
      table.erase(ref);
      ctx.write(DeletePolicyRecord{ref});
    }
  }
  store_table(ctx);
  done(ctx, ticket);
  tell(ctx, newest, "deleted");
}

Status check_name(const PolicyTable& table, std::string_view asked, std::string_view name) {
  const auto wrong = [](std::string sentence, std::string field) {
    return fail(ErrorCode::kInvalidArgument, std::move(sentence), {{"/name", std::move(field)}});
  };
  if (asked != name) {
    return wrong(fmt::format("the bundle is of policy '{}', but '{}' was asked for", name,
                             asked.substr(0, 80)),
                 "must be the name in the path");
  }
  if (is_builtin(name) || name == kReservedName) {
    return wrong(fmt::format("a bundle cannot be named '{}': the controller has its own", name),
                 "must be another name");
  }
  if (!table.find(name) && table.names() >= kMaxBundleNames) {
    return fail(ErrorCode::kConflict,
                fmt::format("{} policies are held already; delete one first", kMaxBundleNames));
  }
  return {};
}

struct Applied {
  PolicyRef ref;
  bool changed = false;
};

// An offered bundle never takes the place of one that an operator applied under the same name.
Status check_offer(const PolicyTable& table, std::string_view name) {
  const auto newest = table.find(name);
  const HeldBundle* held = newest ? table.bundle(*newest) : nullptr;
  return held == nullptr || held->offered
             ? Status()
             : fail(ErrorCode::kConflict,
                    fmt::format("an operator applied another '{}'; delete it to have this one",
                                name));
}

// Checks the bundle and holds it. Nothing that is in use changes. `name`: empty = it is offered, and
// has any name.
Result<Applied> apply(Context& ctx, std::string_view name,
                      const std::shared_ptr<const std::string>& bytes) {
  State& state = ctx.state;
  if (state.factory == nullptr) {
    return fail(ErrorCode::kUnsupported, "this controller scores with no bundles");
  }
  const auto made = state.factory->make(*bytes);
  if (!made) {
    return fail(made.error());
  }
  const PolicyRef ref{std::string((*made)->name()), std::string((*made)->version())};
  if (Status good = check_name(state.policies, name.empty() ? ref.name : name, ref.name); !good) {
    return fail(std::move(good).error());
  }
  const HeldBundle* held = state.policies.bundle(ref);
  if (held != nullptr && state.policies.find(ref.name) == ref && *held->bytes == *bytes) {
    return Applied{ref, false};
  }
  const bool offered = name.empty();
  if (Status good = offered ? check_offer(state.policies, ref.name) : Status(); !good) {
    return fail(std::move(good).error());
  }
  const std::uint64_t number = state.policies.last_number + 1;
  state.policies.put(ref,
                     {.number = number, .applied_at = ctx.now, .bytes = bytes, .offered = offered});
  ctx.write(PolicyRecord{
      .ref = ref, .number = number, .applied_at = ctx.now, .bundle = bytes, .offered = offered});
  store_table(ctx);
  tell(ctx, ref, "applied");
  return Applied{ref, true};
}

}  // namespace

void handle(Context& ctx, ApplyPolicy& event) {
  const auto applied = apply(ctx, event.name, event.bundle);
  if (!applied) {
    ctx.answer(event.ticket, fail(applied.error()));
    return;
  }
  done(ctx, event.ticket, applied->changed);
}

void handle(Context& ctx, ChangePolicy& event) {
  const auto ref = ctx.state.policies.find(event.name);
  if (!ref) {
    ctx.answer(event.ticket, unknown_policy(ctx.state.policies, event.name));
    return;
  }
  switch (event.action) {
    case PolicyAction::kPromote:
      return promote(ctx, event.ticket, *ref);
    case PolicyAction::kShadow:
      return shadow(ctx, event.ticket, *ref);
    case PolicyAction::kUnshadow:
      return unshadow(ctx, event.ticket, *ref);
    case PolicyAction::kDelete:
      return remove(ctx, event.ticket, *ref);
  }
}

void handle(Context& ctx, RollBackPolicy& event) {
  PolicyTable& table = ctx.state.policies;
  if (!table.previous) {
    ctx.answer(event.ticket, fail(ErrorCode::kConflict,
                                  fmt::format("there is no policy before '{}' to go back to",
                                              table.active.name)));
    return;
  }
  const PolicyRef back = *table.previous;
  if (Status active = activate(ctx, back); !active) {
    ctx.answer(event.ticket, fail(std::move(active).error()));
    return;
  }
  table.operator_chose = true;
  store_table(ctx);
  done(ctx, event.ticket);
  tell(ctx, back, "rolled_back");
}

void handle(Context& ctx, OfferPolicy& event) {
  State& state = ctx.state;
  if (event.bundle == nullptr) {
    const bool by_default =
        !state.policies.operator_chose && !is_builtin(state.policies.active.name);
    if (by_default && activate(ctx, *state.policies.find(state.settings.policy))) {
      store_table(ctx);
      tell(ctx, state.policies.active, "promoted", event.why);
    }
    return;
  }
  const auto applied = apply(ctx, "", event.bundle);
  if (!applied) {
    ctx.happen(PolicyChanged{.policy = event.origin,
                             .version = {},
                             .change = "refused",
                             .reason = applied.error().message});
    return;
  }
  const bool free = !state.policies.operator_chose && !state.settings.policy_chosen;
  if (event.activate && free && state.policies.active != applied->ref) {
    if (activate(ctx, applied->ref)) {
      store_table(ctx);
      tell(ctx, applied->ref, "promoted", event.why);
    }
  } else if (state.policies.active != applied->ref) {
    tell(ctx, applied->ref, "not_promoted",
         event.activate ? "another policy was chosen by an operator" : event.why);
  }
}

void restore_policies(Context& ctx, const MetaRecord& meta, std::vector<PolicyRecord>& records) {
  State& state = ctx.state;
  PolicyTable& table = state.policies;
  for (PolicyRecord& record : records) {
    table.put(record.ref, {.number = record.number,
                           .applied_at = record.applied_at,
                           .bytes = std::move(record.bundle),
                           .offered = record.offered});
  }
  table.operator_chose = meta.operator_chose;
  const auto held = [&](const PolicyRef& ref) {
    return is_builtin(ref.name) || table.bundle(ref) != nullptr;
  };
  if (meta.previous_policy && held(*meta.previous_policy)) {
    table.previous = meta.previous_policy;
  }
  for (const PolicyRef& ref : meta.shadows) {
    if (auto policy = make(state, ref)) {
      add_shadow(state, ref, *std::move(policy));
    }
  }
  // What the configuration says holds until an operator or a default bundle says otherwise.
  const bool configured = is_builtin(meta.policy.name) || state.settings.policy_chosen;
  if (meta.policy.name.empty() || (configured && !meta.operator_chose)) {
    return;
  }
  if (auto policy = make(state, meta.policy)) {
    install(state, meta.policy, *std::move(policy));
  } else {
    tell(ctx, table.active, "promoted",
         fmt::format("'{}' cannot be used any more: {}", meta.policy.name, policy.error().message));
  }
}

}  // namespace skerry::core
