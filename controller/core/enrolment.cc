// enrolment.cc: a machine becomes a node with a token that is good for one of them, or with a key that
// an operator gave to many; it renews what it is known by, and is cut off again.

#include <fmt/format.h>

#include "controller/core/context.h"

namespace skerry::core {

namespace {

constexpr std::size_t kMostJoinTokens = 10'000;
constexpr std::size_t kMostIdentities =
    100'000;  // a key that many machines have must not fill the disk

// One sentence for whatever is wrong with a token, so that nobody learns which of them exist.
auto no_such_token() {
  return fail(ErrorCode::kPermissionDenied,
              "the join token is unknown, expired or used up; make a new one with skerryctl node "
              "token create");
}

void forget_expired(Context& ctx) {
  std::erase_if(ctx.state.join_tokens, [&](const auto& known) {
    const bool over = known.second.expires_at <= ctx.now;
    if (over) {
      ctx.write(DeleteJoinTokenRecord{known.first});
    }
    return over;
  });
}

std::unexpected<Error> other_name(std::string_view what, const std::string& pattern,
                                  const std::string& node) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("the {} is for nodes named '{}', not '{}'", what, pattern, node));
}

// The token that may be used by this key for this node.
Result<JoinToken*> usable(Context& ctx, const Enrol& event) {
  const auto known = ctx.state.join_tokens.find(event.token_id);
  if (known == ctx.state.join_tokens.end()) {
    return no_such_token();
  }
  JoinToken& token = known->second;
  const bool used_up = !token.used_by_key.empty() &&
                       (token.used_by_key != event.key || token.used_for != event.node);
  if (token.secret_hash != event.secret_hash || token.expires_at <= ctx.now || used_up) {
    return no_such_token();
  }
  if (!fits_pattern(token.name_pattern, event.node)) {
    return other_name("join token", token.name_pattern, event.node);
  }
  return &token;
}

// Whether the key that an operator gave is good for this node.
Status usable(const State& state, const JoinGrant& grant, const std::string& node) {
  if (!fits_pattern(grant.name_pattern, node)) {
    return other_name("join key", grant.name_pattern, node);
  }
  const auto known = state.identities.find(node);
  if (known != state.identities.end() && known->second.revoked) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("node '{}' was revoked: only a token of its own lets it in again "
                            "(skerryctl node token create --name {})",
                            node, node));
  }
  return {};
}

// A node that was enrolled with another key is that machine no more.
bool is_someone_else(const State& state, const Enrol& event) {
  const auto known = state.identities.find(event.node);
  return known != state.identities.end() && !known->second.revoked &&
         known->second.key != event.key;
}

// Connected, and heard of lately.
bool is_here(const State& state, const std::string& node) {
  const auto it = state.nodes.find(node);
  return it != state.nodes.end() && it->second.session && !it->second.suspect;
}

void end_session(Context& ctx, const std::string& name, std::string_view why) {
  const auto it = ctx.state.nodes.find(name);
  if (it == ctx.state.nodes.end() || !it->second.session) {
    return;
  }
  NodeEntry& node = it->second;
  ctx.send(*node.session, RefuseAgent{{ErrorCode::kPermissionDenied, std::string(why), {}}},
           ctx.batch());
  ctx.state.sessions.erase(*node.session);
  node.session.reset();
  give_up_node(ctx, node, why);
}

}  // namespace

std::optional<Error> refused_identity(const State& state, const AgentHello& hello) {
  if (hello.certified_key.empty()) {
    return state.settings.require_identity
               ? std::optional(Error{ErrorCode::kUnauthenticated,
                                     "this controller takes enrolled nodes only: get a join token "
                                     "with skerryctl node token create, and run skerry-agent join"})
               : std::nullopt;
  }
  const auto known = state.identities.find(hello.node.name);
  if (known == state.identities.end() || known->second.revoked ||
      known->second.key != hello.certified_key) {
    return Error{ErrorCode::kPermissionDenied,
                 fmt::format("node '{}' is not enrolled with this key, or was revoked; it has to "
                             "join again",
                             hello.node.name)};
  }
  return std::nullopt;
}

void handle(Context& ctx, PutJoinToken& event) {
  forget_expired(ctx);
  auto& tokens = ctx.state.join_tokens;
  if (tokens.contains(event.token.id)) {
    ctx.answer(event.ticket,
               fail(ErrorCode::kAlreadyExists,
                    fmt::format("there is a join token '{}' already", event.token.id)));
    return;
  }
  if (tokens.size() >= kMostJoinTokens) {
    ctx.answer(event.ticket,
               fail(ErrorCode::kTooLarge,
                    fmt::format("there are {} join tokens; let some expire", kMostJoinTokens)));
    return;
  }
  event.token.created_at = ctx.now;
  event.token.created_by = event.by.caller;
  ctx.write(JoinTokenRecord{event.token});
  ctx.answer(event.ticket, Changed{true}, ctx.batch());
  tokens.emplace(event.token.id, std::move(event.token));
}

void handle(Context& ctx, DropJoinToken& event) {
  if (ctx.state.join_tokens.erase(event.id) == 0) {
    ctx.answer(event.ticket,
               fail(ErrorCode::kNotFound, fmt::format("there is no join token '{}'", event.id)));
    return;
  }
  ctx.write(DeleteJoinTokenRecord{event.id});
  ctx.answer(event.ticket, Changed{true}, ctx.batch());
}

void handle(Context& ctx, Enrol& event) {
  State& state = ctx.state;
  JoinToken* token = nullptr;
  if (event.grant) {
    if (Status right = usable(state, *event.grant, event.node); !right) {
      ctx.answer(event.ticket, fail(std::move(right).error()));
      return;
    }
  } else {
    Result<JoinToken*> known = usable(ctx, event);
    if (!known) {
      ctx.answer(event.ticket, fail(std::move(known).error()));
      return;
    }
    token = *known;
  }
  if (state.identities.size() >= kMostIdentities && !state.identities.contains(event.node)) {
    ctx.answer(event.ticket,
               fail(ErrorCode::kTooLarge,
                    fmt::format("{} nodes have joined, the most there may be", kMostIdentities)));
    return;
  }
  const bool replaces = is_someone_else(state, event);
  if (replaces && event.grant && event.grant->replace && is_here(state, event.node)) {
    ctx.answer(event.ticket,
               fail(ErrorCode::kConflict,
                    fmt::format("node '{}' is connected: a machine with another key takes its "
                                "place only once it is silent; does another one have its name?",
                                event.node)));
    return;
  }
  if (replaces && !(event.grant && event.grant->replace)) {
    ctx.answer(event.ticket,
               fail(ErrorCode::kConflict,
                    fmt::format("there is a node '{}' with another key; if that machine is gone, "
                                "skerryctl node revoke {} first",
                                event.node, event.node)));
    return;
  }
  if (token != nullptr) {
    token->used_by_key = event.key;
    token->used_for = event.node;
    ctx.write(JoinTokenRecord{*token});
  }
  NodeIdentity identity{.node = event.node,
                        .key = event.key,
                        .labels = token != nullptr ? token->labels : event.grant->labels,
                        .site = token != nullptr ? token->site : event.grant->site,
                        .enrolled_at = ctx.now,
                        .renewed_at = ctx.now};
  ctx.write(NodeIdentityRecord{identity});
  ctx.happen(AccessChanged{.identity = identity}, ctx.batch());
  ctx.answer(event.ticket, Enrolled{identity}, ctx.batch());
  state.identities.insert_or_assign(event.node, std::move(identity));
  if (replaces) {
    end_session(ctx, event.node, "another machine joined as this node");
  }
}

void handle(Context& ctx, RenewIdentity& event) {
  const auto known = ctx.state.identities.find(event.node);
  if (known == ctx.state.identities.end() || known->second.revoked ||
      known->second.key != event.key) {
    ctx.answer(
        event.ticket,
        fail(ErrorCode::kPermissionDenied,
             fmt::format("node '{}' is not enrolled with this key, or was revoked; it has to "
                         "join again",
                         event.node)));
    return;
  }
  known->second.renewed_at = ctx.now;
  ctx.write(NodeIdentityRecord{known->second});
  ctx.answer(event.ticket, Enrolled{known->second}, ctx.batch());
}

void handle(Context& ctx, RevokeNode& event) {
  const auto known = ctx.state.identities.find(event.node);
  if (known == ctx.state.identities.end()) {
    ctx.answer(event.ticket, fail(ErrorCode::kNotFound,
                                  fmt::format("no node named '{}' is enrolled", event.node)));
    return;
  }
  if (std::exchange(known->second.revoked, true)) {
    ctx.answer(event.ticket, Changed{false}, ctx.state.batches);
    return;
  }
  ctx.write(NodeIdentityRecord{known->second});
  ctx.happen(AccessChanged{.identity = known->second}, ctx.batch());
  ctx.answer(event.ticket, Changed{true}, ctx.batch());
  end_session(ctx, event.node, "the node was revoked");
}

}  // namespace skerry::core
