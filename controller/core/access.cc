// access.cc: callers' tokens are made, stamped and revoked.

#include "controller/core/access.h"

#include <fmt/format.h>

#include "controller/core/context.h"

namespace skerry::core {

namespace {

constexpr std::size_t kMostTokens = 10'000;
constexpr Duration kKeptAfterExpiry = hours(30 * 24);

void forget(Context& ctx, const std::string& id) {
  ctx.write(DeleteTokenRecord{id});
  ctx.happen(AccessChanged{.token_gone = id}, ctx.batch());
}

void forget_expired(Context& ctx) {
  std::erase_if(ctx.state.tokens, [&](const auto& known) {
    const Token& token = known.second;
    const bool long_ago =
        token.expires_at != kNever && ctx.now - token.expires_at > kKeptAfterExpiry;
    if (long_ago) {
      forget(ctx, token.id);
    }
    return long_ago;
  });
}

}  // namespace

bool fits_pattern(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) {
    return pattern == name;
  }
  const std::string_view front = pattern.substr(0, star);
  const std::string_view back = pattern.substr(star + 1);
  return name.size() >= front.size() + back.size() && name.starts_with(front) &&
         name.ends_with(back);
}

void handle(Context& ctx, PutToken& event) {
  forget_expired(ctx);
  auto& tokens = ctx.state.tokens;
  if (tokens.contains(event.token.id)) {
    ctx.answer(event.ticket, fail(ErrorCode::kAlreadyExists,
                                  fmt::format("there is a token '{}' already", event.token.id)));
    return;
  }
  if (tokens.size() >= kMostTokens) {
    ctx.answer(event.ticket, fail(ErrorCode::kTooLarge,
                                  fmt::format("there are {} tokens; revoke some that nobody needs",
                                              kMostTokens)));
    return;
  }
  event.token.created_at = ctx.now;
  event.token.created_by = event.by.caller;
  ctx.write(TokenRecord{event.token});
  ctx.happen(AccessChanged{.token = event.token}, ctx.batch());
  ctx.answer(event.ticket, Changed{true}, ctx.batch());
  tokens.emplace(event.token.id, std::move(event.token));
  orders_changed(ctx);
}

void handle(Context& ctx, RevokeToken& event) {
  const auto known = ctx.state.tokens.find(event.id);
  if (known == ctx.state.tokens.end()) {
    ctx.answer(event.ticket,
               fail(ErrorCode::kNotFound, fmt::format("there is no token '{}'", event.id)));
    return;
  }
  ctx.state.tokens.erase(known);
  forget(ctx, event.id);
  ctx.answer(event.ticket, Changed{true}, ctx.batch());
  orders_changed(ctx);
}

void handle(Context& ctx, TokensUsed& event) {
  for (const auto& [id, at] : event.last) {
    const auto known = ctx.state.tokens.find(id);
    if (known != ctx.state.tokens.end() && at > known->second.last_used_at) {
      known->second.last_used_at = at;
      ctx.write(TokenRecord{known->second});
    }
  }
}

}  // namespace skerry::core
