#include "controller/api/access_json.h"

#include <fmt/format.h>

#include "common/ids.h"

namespace skerry::api {

namespace {

constexpr std::size_t kMostGrants = 32;
constexpr std::string_view kRoleNames =
    "viewer, submitter, operator, namespace-admin, cluster-admin, auditor, metrics";

}  // namespace

void write_grants(JsonWriter& json, std::span<const core::Grant> grants) {
  json.key("grants").array();
  for (const core::Grant& grant : grants) {
    json.object().member("role", to_string(grant.role));
    if (!grant.ns.empty()) {
      json.member("namespace", grant.ns);
    }
    json.end();
  }
  json.end();
}

std::vector<core::Grant> read_grants(JsonFields& fields) {
  std::vector<core::Grant> grants;
  std::vector<FieldIssue> issues;
  std::size_t index = 0;
  for (const auto* element : fields.elements("grants", kMostGrants)) {
    JsonFields grant(element, fmt::format("{}/{}", fields.pointer_to("grants"), index++), issues);
    const std::string role = grant.required_text("role");
    const std::string ns = grant.text("namespace");
    const auto known = core::parse_role(role);
    if (!known && !role.empty()) {
      grant.issue("role", fmt::format("must be one of {}", kRoleNames));
    }
    if (const Status valid = validate_name("namespace", ns); !ns.empty() && !valid) {
      grant.issue("namespace", valid.error().message);
    }
    grant.finish();
    grants.push_back({.role = known.value_or(core::Role::kViewer), .ns = ns});
  }
  if (grants.empty()) {
    fields.issue("grants", fmt::format("must hold at least one {{\"role\", \"namespace\"}}; roles "
                                       "are {}",
                                       kRoleNames));
  }
  for (FieldIssue& issue : issues) {
    fields.add(std::move(issue));
  }
  return grants;
}

void write_token(JsonWriter& json, const core::Token& token) {
  json.object().member("id", token.id).member("description", token.description);
  write_grants(json, token.grants);
  json.member("created_by", token.created_by).member("created_at", token.created_at);
  if (token.expires_at != kNever) {
    json.member("expires_at", token.expires_at);
  }
  if (token.last_used_at != Instant{}) {
    json.member("last_used_at", token.last_used_at);
  }
  json.end();
}

void write_join_token(JsonWriter& json, const core::JoinToken& token, Instant now) {
  json.object()
      .member("id", token.id)
      .member("name", token.name_pattern)
      .member("labels", token.labels)
      .member("site", token.site)
      .member("created_by", token.created_by)
      .member("created_at", token.created_at)
      .member("expires_at", token.expires_at)
      .member("state", token.used_by_key.empty()
                           ? std::string_view(token.expires_at > now ? "unused" : "expired")
                           : std::string_view("used"));
  if (!token.used_for.empty()) {
    json.member("used_for", token.used_for);
  }
  json.end();
}

Instant read_expiry(JsonFields& fields, Instant now, Duration usual, Duration longest) {
  const double seconds = fields.number("ttl_s", to_seconds(usual), 1, to_seconds(longest));
  return now + duration_from_seconds(seconds);
}

}  // namespace skerry::api
