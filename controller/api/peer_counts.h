// peer_counts.h: how many connections each address has, so that one client cannot take them all.
//
// Not thread-safe: the server holds its mutex.

#pragma once

#include <cstddef>
#include <map>

#include "controller/peer_address.h"

namespace skerry::api {

class PeerCounts {
 public:
  using Peer = controller::PeerAddress;

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
