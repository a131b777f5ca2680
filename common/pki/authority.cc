#include "common/pki/authority.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/ids.h"
#include "common/pki/minting.h"
#include "common/pki/openssl.h"

namespace skerry::pki {
namespace {

constexpr std::size_t kMaxNames = 64;

bool is_dns_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  };
  return !name.empty() && name.size() <= 253 && name.front() != '.' && name.front() != '-' &&
         !name.contains("..") && std::ranges::all_of(name, fits);
}

// 4 or 16 octets; empty if it is no address.
std::string octets_of(const std::string& address) {
  std::string octets(sizeof(in6_addr), '\0');
  if (::inet_pton(AF_INET, address.c_str(), octets.data()) == 1) {
    octets.resize(sizeof(in_addr));
    return octets;
  }
  return ::inet_pton(AF_INET6, address.c_str(), octets.data()) == 1 ? octets : std::string();
}

}  // namespace

struct Authority::Order {
  PeerId id;
  std::vector<std::string> dns_names{};
  std::vector<std::string> addresses{};
};

Authority::Authority(std::string trust_domain, PrivateKey key, Chain chain)
    : trust_domain_(std::move(trust_domain)), key_(std::move(key)), chain_(std::move(chain)) {}

Authority Authority::make(std::string trust_domain, Instant signs_from, Duration life) {
  check(validate_trust_domain(trust_domain).has_value(), "a trust domain is checked before");
  PrivateKey key = PrivateKey::generate();
  // Of one installation, several authorities are told apart by their names too.
  const std::string mark = key.public_key().digest().substr(7, 12);
  const CertificatePlan plan{.subject = "skerry authority " + mark,
                             .role = Role::kAuthority,
                             .id = {},
                             .not_before = signs_from - kBackdate,
                             .not_after = signs_from + life};
  Certificate certificate = mint(plan, key.native(), nullptr, key.native());
  return {std::move(trust_domain), std::move(key), {std::move(certificate)}};
}

Result<Authority> Authority::of(std::string trust_domain, PrivateKey key, Chain chain) {
  if (Status valid = validate_trust_domain(trust_domain); !valid) {
    return fail(std::move(valid).error());
  }
  if (chain.empty() || chain.front().role() != Role::kAuthority) {
    return fail(ErrorCode::kInvalidArgument,
                "the first certificate of the authority's chain may not sign: it needs CA:TRUE and "
                "keyCertSign");
  }
  if (chain.front().key_digest() != key.public_key().digest()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the authority's key is not the one of its certificate '{}'",
                            chain.front().subject()));
  }
  return Authority(std::move(trust_domain), std::move(key), std::move(chain));
}

Instant Authority::signs_from() const { return certificate().not_before() + kBackdate; }

Result<Chain> Authority::sign_node(const PublicKey& key, std::string_view node, Instant now,
                                   Duration life) const {
  if (Status valid = validate_name("node name", node); !valid) {
    return fail(std::move(valid).error());
  }
  return sign(
      key, {.id = {.role = Role::kNode, .trust_domain = trust_domain_, .node = std::string(node)}},
      now, life);
}

Result<Chain> Authority::sign_controller(const PublicKey& key, const ControllerNames& names,
                                         Instant now, Duration life) const {
  Order order{.id = {.role = Role::kController, .trust_domain = trust_domain_}};
  if (names.dns_names.size() + names.addresses.size() > kMaxNames) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the controller has at most {} names and addresses", kMaxNames));
  }
  for (const std::string& name : names.dns_names) {
    if (!is_dns_name(name)) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("'{}' is not a host's name, such as skerry.example.com", name.substr(0, 80)));
    }
    order.dns_names.push_back(name);
  }
  for (const std::string& address : names.addresses) {
    order.addresses.push_back(octets_of(address));
    if (order.addresses.back().empty()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' is not an IP address, such as 192.0.2.1 or 2001:db8::1",
                              address.substr(0, 80)));
    }
  }
  return sign(key, std::move(order), now, life);
}

Result<Chain> Authority::sign(const PublicKey& key, Order order, Instant now, Duration life) const {
  if (life < minutes(1) || life > kLongestLife) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a certificate lives from 1 minute to {} days, not {} s",
                            kLongestLife / hours(24), life / seconds(1)));
  }
  if (now < certificate().not_before() || now >= certificate().not_after()) {
    return fail(
        ErrorCode::kUnavailable,
        fmt::format("the authority '{}' is valid from {} to {}, and it is {} now: check the "
                    "clock, or rotate the authority",
                    certificate().subject(), to_text(certificate().not_before()),
                    to_text(certificate().not_after()), to_text(now)));
  }
  const CertificatePlan plan{
      .subject = order.id.role == Role::kController ? "controller" : order.id.node,
      .role = order.id.role,
      .id = order.id.uri(),
      .dns_names = std::move(order.dns_names),
      .addresses = std::move(order.addresses),
      .not_before = std::max(now - kBackdate, certificate().not_before()),
      .not_after = std::min(now + life, certificate().not_after())};
  Chain signed_chain{mint(plan, key.native(), &certificate(), key_.native())};
  signed_chain.insert(signed_chain.end(), chain_.begin(), chain_.end());
  return signed_chain;
}

}  // namespace skerry::pki
