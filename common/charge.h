// charge.h: what an attempt is charged in joules and money. One formula for what the scheduler predicts and for what a
// node reports that cannot measure, so that the two agree.
//
// An attempt holds one of the node's slots while it loads and runs, and is charged that slot's share of what the node
// takes under full load. Of its power, busy_w / slots, the work adds (busy_w - idle_w) / slots, and idle_w / slots is the
// slot's part of idling, without which it would not be there; the sum does not depend on idle_w. Charged like this, the
// attempts of a full node add up to what the node draws. The work's part alone would call a server that draws 200 W
// idle and 210 W busy almost free, and whoever minimises energy would keep it running. What idle slots take is charged
// to nobody, since no attempt could have done without.
//
// Where joules are measured, idle_w tells idling from work: agent/energy.h.

#pragma once

namespace skerry {

struct NodeCharges {
  double busy_w = 0;               // of the whole node, every slot busy
  double transfer_j_per_byte = 0;  // of its link
  double price_usd_per_s = 0;      // of the whole node
  double slots = 1;                // at least 1
};

// busy_s: load + service.
inline double charged_energy_j(const NodeCharges& node, double busy_s, double transferred_bytes) {
  return node.busy_w / node.slots * busy_s + node.transfer_j_per_byte * transferred_bytes;
}
inline double charged_cost_usd(const NodeCharges& node, double busy_s) {
  return node.price_usd_per_s / node.slots * busy_s;
}

}  // namespace skerry
