#include "controller/oidc/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>

#include "common/ids.h"

namespace skerry::oidc {

namespace {

constexpr std::size_t kMostIssuers = 16;  // each has a thread that fetches its keys

void read_namespaces(ConfigFields fields, RoleRule& rule) {
  rule.namespaces = fields.texts("namespaces");
  if (is_namespaced(rule.role) == rule.namespaces.empty()) {
    fields.issue("namespaces",
                 rule.namespaces.empty()
                     ? fmt::format("must name the namespaces of the role {}, or be ['*'] for all",
                                   core::to_string(rule.role))
                     : fmt::format("must be left out: the role {} is of the whole cluster",
                                   core::to_string(rule.role)));
  }
  for (const std::string& ns : rule.namespaces) {
    if (const Status valid = validate_name("namespace", ns); ns != kAllNamespaces && !valid) {
      fields.issue("namespaces", valid.error().message);
    }
  }
}

RoleRule read_rule(ConfigFields fields) {
  using enum RoleRule::Match;
  RoleRule rule;
  rule.claim = fields.required_text("claim");
  int matches = 0;
  for (const auto& [key, match] :
       {std::pair{"equals", kEquals}, {"contains", kContains}, {"has_word", kHasWord}}) {
    if (std::string value = fields.text(key); !value.empty()) {
      ++matches;
      rule.match = match;
      rule.value = std::move(value);
    }
  }
  if (matches != 1) {
    fields.issue("contains", "must be set, or instead of it one of equals and has_word");
  }
  const std::string role = fields.required_text("role");
  if (const auto known = core::parse_role(role)) {
    rule.role = *known;
  } else if (!role.empty()) {
    fields.issue(
        "role",
        fmt::format("must be one of {}",
                    fmt::join(core::kRoles | std::views::transform(&core::to_string), ", ")));
  }
  read_namespaces(fields, rule);
  return rule;
}

// Lets the policy pass a URL of the issuer's configuration.
void allow(ConfigFields fields, std::string_view key, const std::string& url,
           outbound::Policy& policy) {
  const Result<outbound::Target> target = outbound::parse_url(url);
  if (!target) {
    fields.issue(key, target.error().message);
    return;
  }
  if (target->scheme == "http" && !std::ranges::count(policy.schemes, "http")) {
    fields.issue(key,
                 "is http, by which anybody on the way can put in keys of his own: use https, or "
                 "set allow_http "
                 "where nobody else is on the way");
  }
  policy.hosts.push_back(target->host);
  policy.ports.push_back(target->port);
}

void read_policy(ConfigFields fields, IssuerSettings& issuer) {
  outbound::Policy& policy = issuer.policy;
  policy.hosts = fields.texts("key_hosts");
  for (const std::string& pattern : policy.hosts) {
    if (const Status valid = outbound::check_host_pattern(pattern); !valid) {
      fields.issue("key_hosts", valid.error().message);
    }
  }
  if (fields.boolean("allow_http", false)) {
    policy.schemes.emplace_back("http");
  }
  for (const std::string& text : fields.texts("networks")) {
    if (Result<outbound::Network> network = outbound::Network::parse(text)) {
      policy.networks.push_back(*network);
    } else {
      fields.issue("networks", network.error().message);
    }
  }
  policy.ca_file = fields.text("ca_file");
  policy.timeout = fields.duration("timeout", policy.timeout, milliseconds(100), minutes(1));
  policy.most_body_bytes = kMostSetBytes;
}

void read_key_source(ConfigFields fields, IssuerSettings& issuer) {
  issuer.key_file = fields.text("key_file");
  issuer.jwks_url = fields.text("jwks_url");
  if (!issuer.key_file.empty() && !issuer.jwks_url.empty()) {
    fields.issue("key_file", "must be left out where jwks_url is set");
  }
  if (!issuer.jwks_url.empty()) {
    allow(fields, "jwks_url", issuer.jwks_url, issuer.policy);
  } else if (issuer.key_file.empty()) {
    allow(fields, "issuer", issuer.rules.issuer, issuer.policy);
    if (issuer.rules.issuer.find('?') != std::string::npos) {
      fields.issue("issuer", "must have no query: its configuration is found below it");
    }
  }
}

IssuerSettings read_issuer(ConfigFields fields) {
  IssuerSettings issuer;
  issuer.name = fields.required_text("name");
  if (const Status valid = validate_name("name", issuer.name); !issuer.name.empty() && !valid) {
    fields.issue("name", valid.error().message);
  }
  Rules& rules = issuer.rules;
  rules.issuer = fields.required_text("issuer");
  rules.audiences = fields.texts("audiences");
  if (rules.audiences.empty() || std::ranges::count(rules.audiences, "") != 0) {
    fields.issue(
        "audiences",
        "must list what tokens for this controller have as their audience, such as [skerry]");
  }
  rules.skew = fields.duration("clock_skew", rules.skew, Duration(0), minutes(5));
  rules.longest_life =
      fields.duration("longest_life", rules.longest_life, minutes(1), hours(24 * 366));
  rules.not_before_required =
      fields.choice("not_before", "required", {"required", "optional"}) == "required";
  read_policy(fields, issuer);
  if (!rules.issuer.empty()) {
    read_key_source(fields, issuer);
  }
  for (const ConfigFields& rule : fields.sections("roles")) {
    issuer.roles.push_back(read_rule(rule));
  }
  return issuer;
}

}  // namespace

Settings read_settings(ConfigFields fields) {
  Settings settings;
  KeyTimes& times = settings.times;
  times.refresh = fields.duration("refresh", times.refresh, seconds(1), hours(24));
  times.retry = fields.duration("retry", times.retry, seconds(1), hours(1));
  times.stale = fields.duration("stale", times.stale, seconds(1), hours(24 * 30));
  if (times.stale < times.refresh + times.retry) {
    fields.issue("stale",
                 "must be at least refresh and retry together, or one failure leaves no keys");
  }
  for (const ConfigFields& section : fields.sections("issuers")) {
    IssuerSettings issuer = read_issuer(section);
    for (const IssuerSettings& other : settings.issuers) {
      if (other.name == issuer.name || other.rules.issuer == issuer.rules.issuer) {
        ConfigFields(section).issue("name", fmt::format("'{}' has the name or the issuer of '{}'",
                                                        issuer.name, other.name));
      }
    }
    settings.issuers.push_back(std::move(issuer));
  }
  if (settings.issuers.size() > kMostIssuers) {
    fields.issue("issuers", fmt::format("must be at most {}", kMostIssuers));
  }
  return settings;
}

}  // namespace skerry::oidc
