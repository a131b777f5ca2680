// joining.cc: tokens for machines to become nodes by, and nodes that are cut off again.

#include <fmt/format.h>

#include "common/ids.h"
#include "controller/api/access_json.h"
#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/json_reader.h"
#include "controller/api/node_authority.h"
#include "controller/api/problem.h"
#include "controller/auth/token_text.h"
#include "controller/core/name_pattern.h"

namespace skerry::api {

namespace {

constexpr Duration kUsualLife = hours(1);
constexpr Duration kLongestLife = hours(30 * 24);
constexpr std::size_t kMostLabels = 64;

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
  if (const Status valid = core::validate_name_pattern("name", token.name_pattern);
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

// Kept in step with the routes: what a machine that has no token of ours sends.
struct Papers {
  std::string token;
  std::string csr;
  std::string certificate;
};

Result<Papers> read_papers(const boost::json::value& json, std::string_view proof) {
  std::vector<FieldIssue> issues;
  JsonFields fields(&json, "", issues);
  Papers papers;
  (proof == "token" ? papers.token : papers.certificate) = fields.required_text(proof);
  papers.csr = fields.required_text("csr");
  fields.finish();
  if (Status valid = to_status(std::move(issues)); !valid) {
    return fail(std::move(valid).error());
  }
  return papers;
}

Error nobody_joins_here() {
  return {ErrorCode::kUnsupported, "this controller has no authority, so no machine can join", {}};
}

// The certificate that the core has agreed to.
Task<Response> issue(Call call, std::string node, std::string csr, int status) {
  const auto papers = co_await off_strand(call, [call, node, csr = std::move(csr)] {
    return call->authority->issue(node, csr, call->clock.now());
  });
  if (!papers) {
    co_return problem(papers.error());
  }
  JsonWriter json;
  json.object()
      .member("node", node)
      .member("agents", papers->agents)
      .member("certificate", papers->certificate)
      .member("authorities", papers->authorities)
      .member("trust_domain", papers->trust_domain)
      .member("expires_at", papers->expires_at)
      .end();
  co_return json_response(status, json.take());
}

// Machines show who they are by what they send, not by a caller's token.
void call_as(Call call, const std::string& who) { call.request().caller.id = who; }

}  // namespace

Task<Response> enrol_node(Call call) {
  const std::string node = call.request().param("name");
  const auto document = co_await parse_body(call);
  auto papers = document ? read_papers(document->root(), "token") : fail(document.error());
  if (!papers || call->authority == nullptr) {
    co_return problem(papers ? nobody_joins_here() : papers.error());
  }
  if (const Status valid = validate_name("name", node); !valid) {
    co_return problem(valid.error());
  }
  // A key that an operator gave, or a token that is good for one machine.
  auto grant = call->authority->join_grant(papers->token);
  const auto token = grant ? Result<auth::TokenText>(auth::TokenText{})
                           : auth::read_token(auth::TokenKind::kJoin, papers->token);
  if (!token) {
    co_return problem(token.error());
  }
  auto key =
      co_await off_strand(call, [call, csr = papers->csr] { return call->authority->key_of(csr); });
  if (!key) {
    co_return problem(key.error());
  }
  call_as(call, grant ? "join-key:" + grant->key_name : "join-token:" + token->id);
  const auto reply = co_await ask(call, core::Enrol{.token_id = token->id,
                                                    .secret_hash = token->secret_hash,
                                                    .grant = std::move(grant),
                                                    .node = node,
                                                    .key = std::move(*key)});
  if (!reply) {
    if (reply.error().code == ErrorCode::kPermissionDenied) {
      note_denied(*call.services, call.request(), "node.enrol", node, {}, reply.error().message);
    }
    co_return problem(reply.error());
  }
  co_return co_await issue(call, node, std::move(papers->csr), 201);
}

Task<Response> renew_node(Call call) {
  const std::string node = call.request().param("name");
  const auto document = co_await parse_body(call);
  auto papers = document ? read_papers(document->root(), "certificate") : fail(document.error());
  if (!papers || call->authority == nullptr) {
    co_return problem(papers ? nobody_joins_here() : papers.error());
  }
  if (const Status valid = validate_name("name", node); !valid) {
    co_return problem(valid.error());
  }
  call_as(call, "node:" + node);
  auto key =
      co_await off_strand(call, [call, node, certificate = papers->certificate, csr = papers->csr] {
        return call->authority->key_of_renewal(node, certificate, csr, call->clock.now());
      });
  const auto reply =
      key ? co_await ask(call, core::RenewIdentity{.node = node, .key = std::move(*key)})
          : fail(key.error());
  if (!reply) {
    note_denied(*call.services, call.request(), "node.renew", node, {}, reply.error().message);
    co_return problem(reply.error());
  }
  co_return co_await issue(call, node, std::move(papers->csr), 200);
}

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
      .member("expires_at", token.expires_at);
  if (call->authority != nullptr) {
    json.member("authority", call->authority->fingerprint(call->clock.now()));
  }
  json.end();
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
