#include "controller/identity/members.h"

#include <fmt/format.h>

namespace skerry::identity {

bool Members::put(const core::NodeIdentity& identity) {
  const std::scoped_lock lock(mutex_);
  Member& member = members_[identity.node];
  const bool cut_off = identity.revoked || (!member.key.empty() && member.key != identity.key);
  member = {identity.key, identity.revoked};
  return cut_off;
}

Status Members::check(std::string_view node, std::string_view key) const {
  const std::scoped_lock lock(mutex_);
  const auto known = members_.find(node);
  if (known == members_.end()) {
    return fail(ErrorCode::kPermissionDenied, fmt::format("no node '{}' is enrolled", node));
  }
  if (known->second.revoked) {
    return fail(ErrorCode::kPermissionDenied, fmt::format("node '{}' was revoked", node));
  }
  if (known->second.key != key) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("node '{}' is enrolled with another key", node));
  }
  return {};
}

}  // namespace skerry::identity
