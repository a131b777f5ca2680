// tokens.cc: callers' tokens are made, listed and revoked; who am I, and what may I do.

#include <fmt/format.h>

#include "controller/api/access_json.h"
#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/json_reader.h"
#include "controller/api/problem.h"
#include "controller/auth/token_text.h"

namespace skerry::api {

namespace {

using auth::Permission;

constexpr std::size_t kMostDescriptionBytes = 200;
constexpr Duration kUsualLife = hours(90 * 24);
constexpr Duration kLongestLife = hours(10 * 365 * 24);

// Who manages the tokens of a namespace sees and revokes those that reach no further.
bool is_mine(const Call& call, const core::Token& token) {
  return std::ranges::all_of(token.grants, [&](const core::Grant& grant) {
    return may(call, Permission::kManageTokens, grant.ns);
  });
}

struct Wanted {
  core::Token token;
  std::string text;
};

Result<Wanted> read_wanted(const boost::json::value& json, Instant now) {
  std::vector<FieldIssue> issues;
  JsonFields fields(&json, "", issues);
  auth::FreshToken fresh = auth::make_token(auth::TokenKind::kCaller);
  Wanted wanted{.token = {.id = fresh.token.id,
                          .secret_hash = fresh.token.secret_hash,
                          .grants = read_grants(fields),
                          .description = fields.text("description"),
                          .expires_at = read_expiry(fields, now, kUsualLife, kLongestLife)},
                .text = std::move(fresh.text)};
  if (wanted.token.description.size() > kMostDescriptionBytes) {
    fields.issue("description", fmt::format("must have at most {} bytes", kMostDescriptionBytes));
  }
  fields.finish();
  if (Status valid = to_status(std::move(issues)); !valid) {
    return fail(std::move(valid).error());
  }
  return wanted;
}

std::optional<Response> refuse_grants(const Call& call, const core::Token& token) {
  for (const core::Grant& grant : token.grants) {
    const bool allowed = may(call, Permission::kManageTokens, grant.ns) &&
                         auth::covers(call.request().caller.grants, grant);
    if (!allowed) {
      return deny(
          call, "token.create", {}, grant.ns,
          fmt::format(
              "{} may not make {} of {}", call.request().caller.id, to_string(grant.role),
              grant.ns.empty() ? "all namespaces" : fmt::format("namespace '{}'", grant.ns)));
    }
  }
  return std::nullopt;
}

Task<Result<std::optional<core::Token>>> find_token(Call call, std::string id) {
  co_return co_await inspect(call,
                             [id](const core::Core& core, Instant) -> std::optional<core::Token> {
                               const auto tokens = core.tokens();
                               const auto found = std::ranges::find(tokens, id, &core::Token::id);
                               return found == tokens.end() ? std::nullopt : std::optional(*found);
                             });
}

}  // namespace

Task<Response> create_token(Call call) {
  const auto document = co_await parse_body(call);
  if (!document) {
    co_return problem(document.error());
  }
  auto wanted = read_wanted(document->root(), call->clock.now());
  if (!wanted) {
    co_return problem(wanted.error());
  }
  if (auto refusal = refuse_grants(call, wanted->token)) {
    co_return *std::move(refusal);
  }
  const auto reply = co_await ask(call, core::PutToken{.token = wanted->token});
  if (!reply) {
    co_return problem(reply.error());
  }
  JsonWriter json;
  json.object()
      .member("id", wanted->token.id)
      .member("token", wanted->text)
      .member("expires_at", wanted->token.expires_at);
  write_grants(json, wanted->token.grants);
  json.end();
  co_return json_response(201, json.take());
}

Task<Response> list_tokens(Call call) {
  const auto tokens =
      co_await inspect(call, [](const core::Core& core, Instant) { return core.tokens(); });
  if (!tokens) {
    co_return problem(tokens.error());
  }
  JsonWriter json;
  json.object().key("items").array();
  for (const core::Token& token : *tokens) {
    if (is_mine(call, token)) {
      write_token(json, token);
    }
  }
  json.end().end();
  co_return json_response(200, json.take());
}

Task<Response> revoke_token(Call call) {
  const std::string& id = call.request().param("id");
  const auto token = co_await find_token(call, id);
  if (!token) {
    co_return problem(token.error());
  }
  if (!*token || !is_mine(call, **token)) {
    co_return problem(
        Error{ErrorCode::kNotFound, fmt::format("there is no token '{}'", id.substr(0, 80)), {}});
  }
  co_return changed_response(co_await ask(call, core::RevokeToken{.id = id}));
}

Task<Response> get_whoami(Call call) {
  const auth::Caller& caller = call.request().caller;
  JsonWriter json;
  json.object().member("caller", caller.id);
  write_grants(json, caller.grants);
  if (caller.until != kNever) {
    json.member("until", caller.until);
  }
  json.end();
  co_return json_response(200, json.take());
}

Task<Response> get_access(Call call) {
  const Request& request = call.request();
  const auto asked = request.query_value("permission").value_or("");
  const auto permission = auth::parse_permission(asked);
  if (!permission) {
    co_return problem(Error{ErrorCode::kInvalidArgument,
                            fmt::format("permission={}: must be one of {}", asked.substr(0, 40),
                                        auth::permission_names()),
                            {}});
  }
  const bool allowed =
      may(call, *permission, request.query_value("namespace").value_or(std::string_view()));
  JsonWriter json;
  json.object().member("allowed", allowed).end();
  co_return json_response(200, json.take());
}

}  // namespace skerry::api
