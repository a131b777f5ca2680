// role_rules.h: what a caller may do, as rules of the configuration make it of the claims of a token.
//
// Deny by default: whom no rule fits has no grant. A rule compares whole texts, byte by byte: nothing in it is a pattern.
// Pure values.

#pragma once

#include <boost/json/value.hpp>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace skerry::auth {

enum class Role : std::uint8_t {
  kViewer,
  kSubmitter,
  kNamespaceAdmin,  // these three in a namespace, the others of the whole cluster
  kOperator,
  kClusterAdmin,
  kAuditor,
  kMetrics,
};

std::string_view to_string(Role role);  // "viewer", "namespace-admin", ...
std::optional<Role> parse_role(std::string_view text);
std::vector<std::string_view> role_names();
bool is_namespaced(Role role);

inline constexpr std::string_view kAllNamespaces = "*";

struct Grant {
  Role role;
  std::string ns;  // of a namespaced role: its namespace, or "*"; of others empty

  auto operator<=>(const Grant&) const = default;
};

struct RoleRule {
  enum class Match : std::uint8_t {
    kEquals,  // the claim is this text
    kContains,  // the claim is a list that has this text, or this text alone: some issuers write lists of one so
    kHasWord,  // the claim is a text of words with spaces between them, one of them this (`scope` of OAuth)
  };

  // The name of a claim; or, if it begins with /, a JSON pointer (RFC 6901): "/realm_access/roles". A rule on `email`
  // fits only where `email_verified` is true: elsewhere users may write what they like there.
  std::string claim;
  Match match = Match::kContains;
  std::string value;
  Role role = Role::kViewer;
  std::vector<std::string> namespaces;  // of a namespaced role, at least one; of others none

  bool operator==(const RoleRule&) const = default;
};

// Sorted, each once; none if the claims are no object.
std::vector<Grant> grants_of(const boost::json::value& claims, std::span<const RoleRule> rules);

}  // namespace skerry::auth
