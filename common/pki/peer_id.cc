#include "common/pki/peer_id.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/ids.h"

namespace skerry::pki {
namespace {

constexpr std::string_view kScheme = "spiffe://";
constexpr std::string_view kController = "/controller";
constexpr std::string_view kNode = "/node/";

bool may_stand_in_domain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kController:
      return "controller";
    case Role::kNode:
      return "node";
    case Role::kAuthority:
      return "authority";
  }
  return "authority";
}

std::string PeerId::uri() const {
  return role == Role::kController ? fmt::format("{}{}{}", kScheme, trust_domain, kController)
                                   : fmt::format("{}{}{}{}", kScheme, trust_domain, kNode, node);
}

Status validate_trust_domain(std::string_view domain) {
  if (!domain.empty() && domain.size() <= 255 && std::ranges::all_of(domain, may_stand_in_domain)) {
    return {};
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("trust domain '{}' must be 1 to 255 characters of a-z, 0-9, '.', '_' or "
                          "'-'",
                          domain.substr(0, 80)));
}

Result<PeerId> parse_peer_id(std::string_view uri) {
  const auto nobody = [] {
    return fail(ErrorCode::kInvalidArgument,
                "the id is neither spiffe://DOMAIN/controller nor spiffe://DOMAIN/node/NAME");
  };
  if (!uri.starts_with(kScheme)) {
    return nobody();
  }
  uri.remove_prefix(kScheme.size());
  const std::size_t slash = uri.find('/');
  const std::string_view domain = uri.substr(0, slash);
  if (slash == std::string_view::npos || !validate_trust_domain(domain)) {
    return nobody();
  }
  const std::string_view path = uri.substr(slash);
  if (path == kController) {
    return PeerId{.role = Role::kController, .trust_domain = std::string(domain)};
  }
  const std::string_view node = path.starts_with(kNode) ? path.substr(kNode.size()) : "";
  if (!validate_name("node name", node)) {
    return nobody();
  }
  return PeerId{
      .role = Role::kNode, .trust_domain = std::string(domain), .node = std::string(node)};
}

}  // namespace skerry::pki
