// energy.h: what attempts cost their node in joules and money.
//
// Modelled, where the node measures nothing, by the formula that the scheduler predicts with
// (common/charge.h), so that the two agree: busy time = load + service.
//
// Measured, where it can: the node's joules since the last event are split. Each running attempt
// gets its slot's share of idling (idle_w tells how much of the joules that is) and an equal part of
// what exceeds idling; nobody gets what idle slots take, as in the model.
//
// Pure; the meter is asked by its owner.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/time.h"

namespace skerry::agent {

struct NodePhysics {
  double idle_w = 0;
  double busy_w = 0;
  double transfer_j_per_byte = 0;
  double price_usd_per_hour = 0;
  std::uint32_t slots = 1;
};

double modelled_power_w(const NodePhysics& node, double busy_slots);
double modelled_energy_j(const NodePhysics& node, Duration busy, double transferred_bytes);
double cost_usd(const NodePhysics& node, Duration busy);

// Joules of the whole node, as its sensors tell.
class EnergyMeter {
 public:
  virtual ~EnergyMeter() = default;
  virtual std::string source() const = 0;  // "rapl", "hwmon", "nvml"; "modelled" = no sensor
  // Grows from an arbitrary start; nullopt without a sensor.
  virtual std::optional<double> total_j(Instant now) = 0;
};

// Splits measured joules among running attempts. advance() before each change of the number of
// running attempts; then an attempt's energy is the growth of share_j() between its start and its
// end.
class EnergyLedger {
 public:
  explicit EnergyLedger(NodePhysics node) : node_(node) {}

  void advance(Instant now, double total_j, std::uint32_t running);
  double share_j() const { return share_j_; }

 private:
  NodePhysics node_;
  bool begun_ = false;
  Instant last_;
  double last_total_j_ = 0;
  double share_j_ = 0;
};

}  // namespace skerry::agent
