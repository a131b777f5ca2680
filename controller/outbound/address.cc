#include "controller/outbound/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

#include "common/check.h"

namespace skerry::outbound {

namespace {

struct Special {
  std::string_view network;
  std::string_view what;
};

// The more special ones first: the first that fits is what is told.
constexpr auto kSpecials = std::to_array<Special>({
    {"127.0.0.0/8", "loopback"},
    {"0.0.0.0/8", "unspecified, this network"},
    {"10.0.0.0/8", "private (RFC 1918)"},
    {"172.16.0.0/12", "private (RFC 1918)"},
    {"192.168.0.0/16", "private (RFC 1918)"},
    {"100.64.0.0/10", "shared by carriers (CGNAT, RFC 6598)"},
    {"169.254.0.0/16", "link-local, with metadata services of clouds"},
    // Not in the registry, but answered by the host of every machine of Azure:
    // https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
    {"168.63.129.16/32", "the host of a virtual machine of Azure"},
    {"192.0.2.0/24", "documentation"},
    {"198.51.100.0/24", "documentation"},
    {"203.0.113.0/24", "documentation"},
    {"192.0.0.0/24", "protocol assignments"},
    {"192.31.196.0/24", "AS112 service"},
    {"192.52.193.0/24", "multicast tunnels (AMT)"},
    {"192.88.99.0/24", "6to4 relays"},
    {"192.175.48.0/24", "AS112 service"},
    {"198.18.0.0/15", "benchmarks"},
    {"224.0.0.0/4", "multicast"},
    {"240.0.0.0/4", "reserved, or broadcast"},
    {"::1/128", "loopback"},
    {"::/128", "unspecified"},
    {"::ffff:0:0/96", "IPv4-mapped"},
    {"::/96", "IPv4-compatible"},
    {"64:ff9b::/96", "NAT64"},
    {"64:ff9b:1::/48", "NAT64 of a site"},
    {"100::/64", "discarded"},
    {"2001::/32", "Teredo"},
    {"2001:db8::/32", "documentation"},
    {"3fff::/20", "documentation"},
    {"2001::/23", "protocol assignments"},
    {"2002::/16", "6to4"},
    {"2620:4f:8000::/48", "AS112 service"},
    {"fc00::/7", "unique local (ULA)"},
    {"fe80::/10", "link-local"},
    {"fec0::/10", "site-local"},
    {"ff00::/8", "multicast"},
});

// All of IPv6 that is meant for the public Internet (RFC 4291, 2.4).
constexpr std::string_view kGlobalUnicast = "2000::/3";

Network known_network(std::string_view text) {
  const auto network = Network::parse(text);
  check(network.has_value(), "a network of ours is written rightly");
  return *network;
}

struct KnownSpecial {
  Network network;
  std::string_view what;
};

const std::vector<KnownSpecial>& known_specials() {
  static const std::vector<KnownSpecial> known = [] {
    std::vector<KnownSpecial> all;
    for (const Special& special : kSpecials) {
      all.push_back({known_network(special.network), special.what});
    }
    return all;
  }();
  return known;
}

// Whether the first `count` bits are the same.
bool same_bits(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, unsigned count) {
  const std::size_t whole = count / 8;
  const unsigned rest = count % 8;
  if (!std::ranges::equal(a.first(whole), b.first(whole))) {
    return false;
  }
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

}  // namespace

IpAddress::IpAddress(bool v4, std::span<const std::uint8_t> bytes) : v4_(v4) {
  std::ranges::copy(bytes, bytes_.begin());
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) {
    return std::nullopt;
  }
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) {
    return IpAddress(true, std::span(bytes).first(4));
  }
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) {
    return IpAddress(false, bytes);
  }
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::from(const sockaddr& address) {
  std::array<std::uint8_t, 16> bytes{};
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    std::memcpy(bytes.data(), &v4.sin_addr, 4);
    return IpAddress(true, std::span(bytes).first(4));
  }
  if (address.sa_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    std::memcpy(bytes.data(), &v6.sin6_addr, 16);
    return IpAddress(false, bytes);
  }
  return std::nullopt;
}

std::string IpAddress::text() const {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), text, sizeof(text));
  return text;
}

std::optional<IpAddress> IpAddress::carried() const {
  if (v4_) {
    return std::nullopt;
  }
  static const std::vector<Network> last_four = {
      known_network("::/96"), known_network("::ffff:0:0/96"), known_network("64:ff9b::/96")};
  static const Network six_to_four = known_network("2002::/16");
  static const Network teredo = known_network("2001::/32");
  const std::span<const std::uint8_t> all(bytes_);
  if (std::ranges::any_of(last_four, [&](const Network& n) { return n.contains(*this); })) {
    return IpAddress(true, all.last(4));
  }
  if (six_to_four.contains(*this)) {
    return IpAddress(true, all.subspan(2, 4));
  }
  if (teredo.contains(*this)) {  // the client's address, inverted (RFC 4380, 4)
    std::array<std::uint8_t, 4> client{};
    std::ranges::transform(all.last(4), client.begin(),
                           [](std::uint8_t byte) { return static_cast<std::uint8_t>(~byte); });
    return IpAddress(true, client);
  }
  return std::nullopt;
}

Result<Network> Network::parse(std::string_view text) {
  const auto refused = [&] {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is not a network, such as 10.1.0.0/16 or fd00:1::/32, whose bits behind "
                    "the prefix are zero",
                    text));
  };
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto base = IpAddress::parse(text.substr(0, slash));
  if (!base) {
    return refused();
  }
  const auto most_bits = static_cast<unsigned>(base->bytes().size() * 8);
  unsigned bits = most_bits;
  if (slash < text.size()) {
    const std::string_view digits = text.substr(slash + 1);
    const char* const end = digits.data() + digits.size();
    const auto [rest, wrong] = std::from_chars(digits.data(), end, bits);
    if (wrong != std::errc() || rest != end || bits > most_bits) {
      return refused();
    }
  }
  const std::span<const std::uint8_t> bytes = base->bytes();
  for (unsigned bit = bits; bit < most_bits; ++bit) {
    if ((bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) {
      return refused();
    }
  }
  return Network(*base, bits);
}

bool Network::contains(const IpAddress& address) const {
  return address.is_v4() == base_.is_v4() &&
         same_bits(base_.bytes(), address.bytes(), prefix_bits_);
}

std::string Network::text() const { return fmt::format("{}/{}", base_.text(), prefix_bits_); }

std::string_view special_purpose(const IpAddress& address) {
  static const Network global_unicast = known_network(kGlobalUnicast);
  for (const KnownSpecial& special : known_specials()) {
    if (special.network.contains(address)) {
      return special.what;
    }
  }
  return address.is_v4() || global_unicast.contains(address) ? "" : "not global unicast";
}

Status check_address(const IpAddress& address, std::span<const Network> allowed) {
  const std::string_view special = special_purpose(address);
  if (!special.empty() && std::ranges::none_of(allowed, [&](const Network& network) {
        return network.contains(address);
      })) {
    return fail(
        ErrorCode::kPermissionDenied,
        fmt::format("refused by the rule 'networks': {} is {}, and no allowed network has it",
                    address.text(), special));
  }
  if (const auto carried = address.carried()) {
    if (Status inside = check_address(*carried, allowed); !inside) {
      inside.error().message += fmt::format(" (carried by {})", address.text());
      return inside;
    }
  }
  return {};
}

}  // namespace skerry::outbound
