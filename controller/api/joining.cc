// joining.cc: tokens for machines to become nodes by, and nodes that are cut off again.

#include <fmt/format.h>

#include "common/ids.h"
#include "controller/api/access_json.h"
#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/json_reader.h"
#include "controller/api/problem.h"
#include "controller/auth/token_text.h"

namespace skerry::api {

namespace {

constexpr Duration kUsualLife = hours(1);
constexpr Duration kLongestLife = hours(30 * 24);
constexpr std::size_t kMostLabels = 64;

// A name, or one in which a "*" stands for anything.
Status validate_pattern(std::string_view pattern) {
  std::string plain(pattern);
  if (const std::size_t star = plain.find('*'); star != std::string::npos) {
    plain.replace(star, 1, "x");
  }
  return validate_name("name", plain);
}

std::map<std::string, std::string> read_labels(JsonFields& fields) {
  std::map<std::string, std::string> labels;
  const auto* member = fields.member("labels");
  const auto* object = member == nullptr ? nullptr : member->if_object();
  if (member != nullptr && (object == nullptr || object->size() > kMostLabels)) {
    fields.issue("labels", fmt::format("must be an object of at most {} texts", kMostLabels));
    return labels;
  }
  if (object != nullptr) {
    for (const auto& [key, value] : *object) {
      if (!value.is_string() || key.empty()) {
        fields.issue("labels", "must hold texts by non-empty keys");
        break;
      }
      labels.emplace(key, value.get_string());
    }
  }
  return labels;
}

Result<std::pair<core::JoinToken, std::string>> read_wanted(const boost::json::value& json,
                                                            Instant now) {
  std::vector<FieldIssue> issues;
  JsonFields fields(&json, "", issues);
  auth::FreshToken fresh = auth::make_token(auth::TokenKind::kJoin);
  core::JoinToken token{.id = fresh.token.id,
                        .secret_hash = fresh.token.secret_hash,
                        .name_pattern = fields.required_text("name"),
                        .labels = read_labels(fields),
                        .site = fields.text("site"),
                        .expires_at = read_expiry(fields, now, kUsualLife, kLongestLife)};
  if (const Status valid = validate_pattern(token.name_pattern);
      !valid && !token.name_pattern.empty()) {
    fields.issue("name", valid.error().message);
  }
  if (const Status valid = validate_name("site", token.site); !valid && !token.site.empty()) {
    fields.issue("site", valid.error().message);
  }
  fields.finish();
  if (Status valid = to_status(std::move(issues)); !valid) {
    return fail(std::move(valid).error());
  }
  return std::pair(std::move(token), std::move(fresh.text));
}

}  // namespace

Task<Response> create_join_token(Call call) {
  const auto document = co_await parse_body(call);
  if (!document) {
    co_return problem(document.error());
  }
  const auto wanted = read_wanted(document->root(), call->clock.now());
  if (!wanted) {
    co_return problem(wanted.error());
  }
  const auto& [token, text] = *wanted;
  const auto reply = co_await ask(call, core::PutJoinToken{.token = token});
  if (!reply) {
    co_return problem(reply.error());
  }
  JsonWriter json;
  json.object()
      .member("id", token.id)
      .member("token", text)
      .member("name", token.name_pattern)
      .member("expires_at", token.expires_at)
      .end();
  co_return json_response(201, json.take());
}

Task<Response> list_join_tokens(Call call) {
  const auto tokens =
      co_await inspect(call, [](const core::Core& core, Instant) { return core.join_tokens(); });
  if (!tokens) {
    co_return problem(tokens.error());
  }
  JsonWriter json;
  json.object().key("items").array();
  for (const core::JoinToken& token : *tokens) {
    write_join_token(json, token, call->clock.now());
  }
  json.end().end();
  co_return json_response(200, json.take());
}

Task<Response> delete_join_token(Call call) {
  co_return changed_response(
      co_await ask(call, core::DropJoinToken{.id = call.request().param("id")}));
}

Task<Response> revoke_node(Call call) {
  co_return changed_response(
      co_await ask(call, core::RevokeNode{.node = call.request().param("name")}));
}

}  // namespace skerry::api
