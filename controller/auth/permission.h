// permission.h: what each role allows, where.
//
// A route of the API names one Permission (controller/api/routes.cc); a caller has grants, each a role in
// one namespace or in all. Nothing is allowed that no grant allows.
//
// Pure; any thread.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "controller/core/access.h"

namespace skerry::auth {

// No default on purpose: a route without one does not compile.
class Permission {
 public:
  enum Kind : std::uint8_t {
    kPublic,          // nobody is asked who they are
    kSelf,            // whoever is known: whoami
    kReadJobs,        // with their inputs, results and decisions; of a namespace
    kSubmitJobs,      // and cancel them; of a namespace
    kReadFleet,       // nodes, models, policies
    kManageModels,    // and their artifacts; of a namespace
    kManageTokens,    // of callers; of a namespace
    kOperateNodes,    // cordon, drain, remove
    kManageNodes,     // let them join, and revoke them
    kManagePolicies,  // of placement
    kReadAudit,
    kReadMetrics,
  };
  constexpr Permission(Kind kind)
      : kind_(kind) {}  // NOLINT(google-explicit-constructor): routes name a Kind
  constexpr Kind kind() const { return kind_; }
  // Whether it is held for one namespace at a time; the others are of the whole fleet.
  constexpr bool of_namespace() const {
    return kind_ == kReadJobs || kind_ == kSubmitJobs || kind_ == kManageModels ||
           kind_ == kManageTokens;
  }
  constexpr bool operator==(const Permission&) const = default;

 private:
  Kind kind_;
};
std::string_view to_string(Permission permission);  // "public", "read-jobs", ...
std::optional<Permission> parse_permission(std::string_view name);
std::string permission_names();  // for people

// What the role allows at all. Those of one namespace allow there what is of a namespace, and to read
// of the fleet what they need for it; what changes the fleet needs a grant in all namespaces.
bool allows(core::Role role, Permission permission);
// In this namespace; empty = in all of them.
bool allows(std::span<const core::Grant> grants, Permission permission, std::string_view ns);
// In some namespace.
bool allows_somewhere(std::span<const core::Grant> grants, Permission permission);

// Whether somebody with `mine` may hand out `theirs`: nobody gives what they do not have.
bool covers(std::span<const core::Grant> mine, const core::Grant& theirs);

}  // namespace skerry::auth
