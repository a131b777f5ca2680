// peer_address.h: whose address it is, as far as limits are concerned.
//
// An IPv6 client can choose among the addresses of its /64, so those are one; an IPv4 address is the
// same whether it came mapped into IPv6 or not. Pure.

#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <cstdint>

namespace skerry::controller {

using PeerAddress = std::array<std::uint8_t, 8>;

inline PeerAddress peer_of(const boost::asio::ip::address& address) {
  PeerAddress peer{};
  if (address.is_v6() && !address.to_v6().is_v4_mapped()) {
    const auto bytes = address.to_v6().to_bytes();
    std::copy_n(bytes.begin(), peer.size(), peer.begin());
    return peer;
  }
  const auto v4 = address.is_v4() ? address.to_v4()
                                  : boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped,
                                                                     address.to_v6());
  const auto bytes = v4.to_bytes();
  peer = {0xff, 0xff, 0xff, 0xff};  // no /64 of anybody
  std::ranges::copy(bytes, peer.begin() + 4);
  return peer;
}

}  // namespace skerry::controller
