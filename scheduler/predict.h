// predict.h: what running a task on a node with a variant would take. The physics is shared with
// the simulator of rl/.
//
//   wait      until a slot is free, see wait_s(); 0 while one is
//   transfer  round trip + input bytes / bandwidth
//   load      loading the variant if it is not resident on the node, its artifact's transfer included
//   service   the forward itself, decode and encode included
//   latency   their sum
//   energy    power of a run x (load + service) + transfer energy; the power as measured of the
//             variant on the node, else a slot's share of the node's (common/charge.h)
//   cost      a slot's share of the node's price x (load + service)
//   error     1 - accuracy
//
// Formulas work on plain numbers (Physics) so that a vectorised environment can use them; predict()
// gathers the numbers.

#pragma once

#include "common/time.h"
#include "scheduler/fleet.h"
#include "scheduler/objectives.h"

namespace skerry::scheduler {

// Everything that a prediction depends on, as numbers.
struct Physics {
  double backlog_s = 0;
  double outstanding = 0;
  double slots = 1;
  double rtt_s = 0;
  double bandwidth_bytes_per_s = 1;
  double input_bytes = 0;
  double load_s = 0;  // 0 if resident
  double load_deviation_s = 0;
  double service_s = 0;
  double service_deviation_s = 0;
  double busy_w = 0;
  double measured_w = 0;  // that a run draws, its share of idling included; 0 = by busy_w
  double transfer_j_per_byte = 0;
  double price_usd_per_s = 0;
  double error = 0;
};

struct Prediction {
  double wait_s = 0;
  double transfer_s = 0;
  double load_s = 0;
  double service_s = 0;
  double latency_deviation_s = 0;  // one standard deviation of the latency
  Objectives objectives;
};

// How long a task waits behind `outstanding` attempts of together `backlog_s` of service. The
// attempts in the slots are on average half done when a task arrives, and one of the slots comes
// free every (mean service / slots) from then on:
//   (backlog / outstanding) x (outstanding - slots + 1/2) / slots
// Example: 4 slots, 4 attempts of 2 s each: 2 x 1/2 / 4 = 0.25 s.
inline double wait_s(double backlog_s, double outstanding, double slots) {
  return outstanding < slots ? 0.0
                             : backlog_s * (outstanding - slots + 0.5) / (outstanding * slots);
}

// How uncertain a predicted wait is, as a share of it.
constexpr double kWaitDeviation = 0.5;

Prediction predict(const Physics& physics);
// What it would take if the node were idle and had the variant loaded.
Objectives offer(Physics physics);
Prediction predict(const Fleet& fleet, NodeId node, VariantId variant, double input_bytes);

// What an attempt really took, by the same formulas: for a node that cannot measure its energy.
double modelled_energy_j(const NodeSpec& node, double busy_s, double transferred_bytes);
double modelled_cost_usd(const NodeSpec& node, double busy_s);

}  // namespace skerry::scheduler
