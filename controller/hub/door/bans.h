// bans.h: who is turned away for a while: nodes by name, addresses.
//
// Bounded: when it is full, the ban that ends first makes room. Thread-safe: both of the door's threads
// ban and ask.

#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>

#include "common/time.h"
#include "controller/peer_address.h"

namespace skerry::door {

class Bans {
 public:
  using Whom = std::variant<std::string, controller::PeerAddress>;  // a node's name, an address

  Bans(std::size_t most, Duration length) : most_(most), length_(length) {}

  void ban(const Whom& whom, Instant now);
  bool has(const Whom& whom, Instant now);
  std::size_t size() const;

 private:
  const std::size_t most_;
  const Duration length_;
  mutable std::mutex mutex_;
  std::map<Whom, Instant> until_;
};

}  // namespace skerry::door
