// fault_log.h: which faults act now, and on whom: on everybody (the controller's, policies'), or on a
// node and all that depends on it.
//
// A fault counts as acting from its beginning until kAftermath after its end: silence is noticed, an
// agent or a controller comes back, and what was lost is said again within that time.

#pragma once

#include <algorithm>
#include <array>

#include "common/time.h"
#include "tests/sim/fault_kinds.h"

namespace skerry::sim {

constexpr std::size_t kMostNodes = 8;
using NodeSet = std::bitset<kMostNodes>;
// Nodes are named n0, n1, ...
constexpr std::size_t node_number(std::string_view name) {
  return static_cast<std::size_t>(name[1] - '0');
}

class FaultLog {
 public:
  static constexpr Duration kAftermath = seconds(10);

  void on_everybody(Fault fault, Instant until) { note(everybody_, fault, until); }
  void on_node(std::size_t node, Fault fault, Instant until) { note(nodes_[node], fault, until); }
  void ends_on_node(std::size_t node, Fault fault, Instant now) {
    Instant& end = nodes_[node].until[index_of(fault)];
    end = std::min(end, now + kAftermath);
  }

  // By what depends on these nodes.
  FaultSet felt(Instant now, NodeSet nodes) const {
    FaultSet faults = acting(everybody_, now);
    for (std::size_t node = 0; node < kMostNodes; ++node) {
      if (nodes[node]) {
        faults |= acting(nodes_[node], now);
      }
    }
    return faults;
  }

 private:
  struct Acting {
    FaultSet ever;  // most never do
    std::array<Instant, kFaultKinds> until{};
  };

  static void note(Acting& acting, Fault fault, Instant until) {
    acting.ever.set(index_of(fault));
    Instant& end = acting.until[index_of(fault)];
    end = std::max(end, until + kAftermath);
  }
  static FaultSet acting(const Acting& acting, Instant now) {
    FaultSet faults;
    for (std::size_t i = 0; acting.ever.any() && i < kFaultKinds; ++i) {
      faults[i] = acting.ever[i] && now <= acting.until[i];
    }
    return faults;
  }

  Acting everybody_;
  std::array<Acting, kMostNodes> nodes_;
};

}  // namespace skerry::sim
