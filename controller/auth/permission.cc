#include "controller/auth/permission.h"

#include <algorithm>
#include <array>

namespace skerry::auth {

namespace {

using core::Role;
using Kind = Permission::Kind;

constexpr std::array kAll = {Kind::kPublic,         Kind::kSelf,         Kind::kReadJobs,
                             Kind::kSubmitJobs,     Kind::kReadFleet,    Kind::kManageModels,
                             Kind::kManageTokens,   Kind::kOperateNodes, Kind::kManageNodes,
                             Kind::kManagePolicies, Kind::kReadAudit,    Kind::kReadMetrics};

constexpr std::uint32_t bit(Kind kind) { return 1U << kind; }

// What each role has beside kPublic and kSelf, which every caller has.
constexpr std::uint32_t of(Role role) {
  constexpr std::uint32_t kReads = bit(Kind::kReadJobs) | bit(Kind::kReadFleet);
  switch (role) {
    case Role::kViewer:
      return kReads;
    case Role::kSubmitter:
      return kReads | bit(Kind::kSubmitJobs);
    case Role::kOperator:
      return bit(Kind::kReadFleet) | bit(Kind::kOperateNodes) | bit(Kind::kReadMetrics);
    case Role::kNamespaceAdmin:
      return kReads | bit(Kind::kSubmitJobs) | bit(Kind::kManageModels) | bit(Kind::kManageTokens);
    case Role::kClusterAdmin:
      return ~0U;
    case Role::kAuditor:
      return bit(Kind::kReadAudit) | bit(Kind::kReadFleet);
    case Role::kMetrics:
      return bit(Kind::kReadMetrics);
  }
  return 0;
}

bool everybody_has(Permission permission) {
  return permission == Kind::kPublic || permission == Kind::kSelf;
}

// Whether a grant in one namespace is enough, whichever that is.
bool in_any_namespace(Permission permission) { return permission == Kind::kReadFleet; }

}  // namespace

std::string_view to_string(Permission permission) {
  switch (permission.kind()) {
    case Kind::kPublic:
      return "public";
    case Kind::kSelf:
      return "self";
    case Kind::kReadJobs:
      return "read-jobs";
    case Kind::kSubmitJobs:
      return "submit-jobs";
    case Kind::kReadFleet:
      return "read-fleet";
    case Kind::kManageModels:
      return "manage-models";
    case Kind::kManageTokens:
      return "manage-tokens";
    case Kind::kOperateNodes:
      return "operate-nodes";
    case Kind::kManageNodes:
      return "manage-nodes";
    case Kind::kManagePolicies:
      return "manage-policies";
    case Kind::kReadAudit:
      return "read-audit";
    case Kind::kReadMetrics:
      return "read-metrics";
  }
  return "?";
}

std::optional<Permission> parse_permission(std::string_view name) {
  const auto found =
      std::ranges::find(kAll, name, [](Kind kind) { return to_string(Permission(kind)); });
  return found == kAll.end() ? std::nullopt : std::optional<Permission>(*found);
}

std::string permission_names() {
  std::string names;
  for (const Kind kind : kAll) {
    names += names.empty() ? "" : ", ";
    names += to_string(Permission(kind));
  }
  return names;
}

bool allows(Role role, Permission permission) {
  return everybody_has(permission) || (of(role) & bit(permission.kind())) != 0;
}

bool allows(std::span<const core::Grant> grants, Permission permission, std::string_view ns) {
  return std::ranges::any_of(grants, [&](const core::Grant& grant) {
    const bool here = grant.ns.empty() || in_any_namespace(permission) ||
                      everybody_has(permission) || (permission.of_namespace() && grant.ns == ns);
    return here && allows(grant.role, permission);
  });
}

bool allows_somewhere(std::span<const core::Grant> grants, Permission permission) {
  return std::ranges::any_of(
      grants, [&](const core::Grant& grant) { return allows(grants, permission, grant.ns); });
}

bool covers(std::span<const core::Grant> mine, const core::Grant& theirs) {
  return std::ranges::all_of(kAll, [&](Kind kind) {
    const core::Grant alone[] = {theirs};
    return !allows(alone, kind, theirs.ns) || allows(mine, kind, theirs.ns);
  });
}

}  // namespace skerry::auth
