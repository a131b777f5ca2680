// role_rules.h: what a caller may do, as rules of the configuration make it of the claims of a token.
//
// Deny by default: whom no rule fits has no grant. A rule compares whole texts, byte by byte: nothing in it is a pattern.
// Pure values.

#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/core/access.h"

namespace skerry::oidc {

using core::Grant;
using core::Role;

// Of a grant, in the configuration: every namespace.
inline constexpr std::string_view kAllNamespaces = "*";

// Roles of a namespace; the others are of the whole cluster.
bool is_namespaced(Role role);

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
  std::vector<std::string>
      namespaces;  // of a namespaced role, at least one ("*" = all); of others none

  bool operator==(const RoleRule&) const = default;
};

// Sorted, each once; none if the claims are no object.
std::vector<Grant> grants_of(const boost::json::value& claims, std::span<const RoleRule> rules);

}  // namespace skerry::oidc
