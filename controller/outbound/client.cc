#include "controller/outbound/client.h"

#include <fmt/format.h>

#include <chrono>
#include <mutex>

#include "controller/outbound/transfer.h"

namespace skerry::outbound {

Client::Client(Policy policy, Resolver& resolver)
    : policy_(std::move(policy)), resolver_(resolver) {}

Result<Response> Client::fetch(const Request& request, std::stop_token stop) {
  const auto began = std::chrono::steady_clock::now();
  Result<Target> target = check_url(request.url, policy_);
  if (!target) {
    return fail(std::move(target).error());
  }
  std::vector<IpAddress> addresses;
  if (target->address) {
    addresses = {*target->address};
  } else {
    Result<std::vector<IpAddress>> resolved =
        resolver_.resolve(target->host, policy_.timeout, stop);
    if (!resolved) {
      return fail(std::move(resolved).error());
    }
    addresses = *std::move(resolved);
  }
  for (const IpAddress& address : addresses) {
    if (Status allowed = check_address(address, policy_.networks); !allowed) {
      allowed.error().message += fmt::format(" ('{}' resolves to it)", target->host);
      return fail(std::move(allowed).error());
    }
  }
  const auto used = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
  return Transfer(policy_, *target, std::move(addresses), std::move(stop))
      .run(request, policy_.timeout - used);
}

}  // namespace skerry::outbound
