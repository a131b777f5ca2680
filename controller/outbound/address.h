// address.h: IP addresses, networks, and which addresses the controller must not be sent to.
//
// Whoever writes a URL chooses where we connect; so addresses that mean something only inside our own
// networks (loopback, private, link-local with the clouds' metadata services, ...) are refused unless the
// operator names their network. What is refused is IANA's registries of special-purpose addresses
// (RFC 6890, https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry,
// as of 2025) and everything of IPv6 that is not global unicast.
//
// An IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4, Teredo) must pass twice: itself, which
// takes its network being named, and what it carries. A NAT64 prefix of an operator's own cannot be told
// from other global addresses.
//
// Pure values; call from anywhere.

#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/error.h"

struct sockaddr;

namespace skerry::outbound {

class IpAddress {
 public:
  // One form each: "192.0.2.1" in four decimal numbers without leading zeros, or IPv6 without brackets and
  // zone. nullopt for everything else.
  static std::optional<IpAddress> parse(std::string_view text);
  // nullopt if it is neither IPv4 nor IPv6.
  static std::optional<IpAddress> from(const sockaddr& address);

  bool is_v4() const { return v4_; }
  std::string text() const;
  // 4 or 16 bytes, the first one first.
  std::span<const std::uint8_t> bytes() const {
    return std::span(bytes_).first(v4_ ? std::size_t{4} : std::size_t{16});
  }
  // The IPv4 address inside an IPv6 one, where there is one.
  std::optional<IpAddress> carried() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  IpAddress(bool v4, std::span<const std::uint8_t> bytes);

  bool v4_;
  std::array<std::uint8_t, 16> bytes_{};
};

// "10.0.0.0/8", "fd00::/8", or one address.
class Network {
 public:
  static Result<Network> parse(std::string_view text);  // kInvalidArgument

  bool contains(const IpAddress& address) const;
  std::string text() const;

  bool operator==(const Network&) const = default;

 private:
  Network(IpAddress base, unsigned prefix_bits) : base_(base), prefix_bits_(prefix_bits) {}

  IpAddress base_;
  unsigned prefix_bits_;
};

// What a special address is, as words for people: "loopback", "link-local, with metadata services of
// clouds"; empty for one of the public Internet.
std::string_view special_purpose(const IpAddress& address);

// kPermissionDenied, by the rule "networks", for an address that is special and in none of `allowed`.
Status check_address(const IpAddress& address, std::span<const Network> allowed);

}  // namespace skerry::outbound
