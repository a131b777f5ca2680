#include "controller/outbound/policy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace skerry::outbound {

namespace {

constexpr std::string_view kBelow = "*.";

template <typename T>
bool has(const std::vector<T>& list, const T& item) {
  return std::ranges::find(list, item) != list.end();
}

bool matches(std::string_view pattern, const Target& target) {
  if (pattern == "*") {
    return true;
  }
  if (target.address) {
    return IpAddress::parse(pattern) == target.address;
  }
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  if (pattern.starts_with(kBelow)) {
    const std::string_view suffix = pattern.substr(1);
    return target.host.size() > suffix.size() &&
           std::ranges::equal(
               suffix, std::string_view(target.host).substr(target.host.size() - suffix.size()),
               same);
  }
  return std::ranges::equal(pattern, target.host, same);
}

std::unexpected<Error> refused(std::string_view rule, std::string why) {
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("the URL is refused by the rule '{}': {}", rule, why));
}

}  // namespace

Status check_host_pattern(std::string_view pattern) {
  const std::string_view name =
      pattern.starts_with(kBelow) ? pattern.substr(kBelow.size()) : pattern;
  if (pattern == "*" || is_host_name(name) || IpAddress::parse(pattern)) {
    return {};
  }
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("'{}' is not a host, such as idp.example, *.idp.example or 192.0.2.1", pattern));
}

Result<Target> check_url(std::string_view url, const Policy& policy) {
  Result<Target> target = parse_url(url);
  if (!target) {
    return target;
  }
  if (!has(policy.schemes, target->scheme)) {
    return refused("schemes", fmt::format("{} is not allowed, only {}", target->scheme,
                                          fmt::join(policy.schemes, ", ")));
  }
  if (std::ranges::none_of(policy.hosts,
                           [&](const std::string& pattern) { return matches(pattern, *target); })) {
    return refused("hosts", fmt::format("'{}' is not on the list of allowed hosts", target->host));
  }
  if (!has(policy.ports, target->port)) {
    return refused("ports", fmt::format("{} is not allowed, only {}", target->port,
                                        fmt::join(policy.ports, ", ")));
  }
  if (target->address) {
    if (Status address = check_address(*target->address, policy.networks); !address) {
      return fail(std::move(address).error());
    }
  }
  return target;
}

}  // namespace skerry::outbound
