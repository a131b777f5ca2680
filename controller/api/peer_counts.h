// peer_counts.h: how many connections each address has, so that one client cannot take them all.
//
// An IPv6 client can choose among the addresses of its /64, so those count together. Not thread-safe:
// the server holds its mutex.

#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <map>

namespace skerry::api {

class PeerCounts {
 public:
  using Peer = std::array<std::uint8_t, 8>;

  static Peer peer_of(const boost::asio::ip::address& address) {
    Peer peer{};
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

  // The number of those that it had before.
  std::size_t enter(const Peer& peer) { return counts_[peer]++; }
  void leave(const Peer& peer) {
    const auto found = counts_.find(peer);
    if (--found->second == 0) {
      counts_.erase(found);
    }
  }
  std::size_t peers() const { return counts_.size(); }

 private:
  std::map<Peer, std::size_t> counts_;
};

}  // namespace skerry::api
