#include "controller/oidc/role_rules.h"

#include <algorithm>
#include <tuple>

namespace skerry::oidc {

namespace json = boost::json;

namespace {

const json::value* find_claim(const json::value& claims, std::string_view name) {
  if (name.starts_with('/')) {
    boost::system::error_code error;
    return claims.find_pointer(name, error);
  }
  return claims.get_object().if_contains(name);
}

bool is_text(const json::value& value, std::string_view text) {
  return value.is_string() && std::string_view(value.get_string()) == text;
}

bool contains(const json::value& value, std::string_view text) {
  const json::array* const list = value.if_array();
  return list == nullptr ? is_text(value, text)
                         : std::ranges::any_of(
                               *list, [&](const json::value& item) { return is_text(item, text); });
}

bool has_word(const json::value& value, std::string_view word) {
  if (!value.is_string()) {
    return false;
  }
  const std::string_view text = value.get_string();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (text.substr(at, end - at) == word) {
      return true;
    }
    at = end + 1;
  }
  return false;
}

bool fits(const json::value& claims, const RoleRule& rule) {
  if (rule.claim == "email" || rule.claim == "/email") {
    const json::value* const verified = claims.get_object().if_contains("email_verified");
    if (verified == nullptr || !verified->is_bool() || !verified->get_bool()) {
      return false;
    }
  }
  const json::value* const claim = find_claim(claims, rule.claim);
  if (claim == nullptr) {
    return false;
  }
  switch (rule.match) {
    case RoleRule::Match::kEquals:
      return is_text(*claim, rule.value);
    case RoleRule::Match::kContains:
      return contains(*claim, rule.value);
    case RoleRule::Match::kHasWord:
      return has_word(*claim, rule.value);
  }
  return false;
}

}  // namespace

bool is_namespaced(Role role) {
  return role == Role::kViewer || role == Role::kSubmitter || role == Role::kNamespaceAdmin;
}

std::vector<Grant> grants_of(const json::value& claims, std::span<const RoleRule> rules) {
  std::vector<Grant> grants;
  for (const RoleRule& rule : rules) {
    if (!claims.is_object() || !fits(claims, rule)) {
      continue;
    }
    if (!is_namespaced(rule.role)) {
      grants.push_back({rule.role, ""});
    } else {
      for (const std::string& ns : rule.namespaces) {
        grants.push_back({rule.role, ns == kAllNamespaces ? "" : ns});
      }
    }
  }
  std::ranges::sort(grants, {}, [](const Grant& grant) { return std::tie(grant.role, grant.ns); });
  grants.erase(std::ranges::unique(grants).begin(), grants.end());
  return grants;
}

}  // namespace skerry::oidc
