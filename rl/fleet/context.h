// context.h: one fleet with its models, its load and its troubles: a setting of Skerry's own
// problem.
//
// Figures are drawn from ranges that published devices span (context.cc says which), so that a
// policy meets fleets of all kinds; nothing is tied to one fleet. Units: seconds, bytes, joules,
// watts, dollars.

#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/charge.h"
#include "common/random.h"
#include "scheduler/constraints.h"
#include "scheduler/objectives.h"

namespace skerry::rl::fleet {

constexpr std::size_t kMostNodes = 16;
constexpr std::size_t kMostSlots = 8;
constexpr std::size_t kQueueDepth = 4;     // attempts that an agent holds beyond its slots
constexpr std::size_t kMostVariants = 16;  // over all models

struct Node {
  scheduler::Tier tier = scheduler::Tier::kEdge;
  std::size_t slots = 1;
  double speed = 1;  // of a slot, against the reference core
  double busy_w = 0;
  double transfer_j_per_byte = 0;
  double price_usd_per_s = 0;
  double rtt_s = 0;
  double bandwidth_bytes_per_s = 0;  // on average
  double memory_bytes = 0;           // for models
  double up_s = 0;                   // on average between failures; 0 = it never fails
  double down_s = 0;
};

inline NodeCharges charges_of(const Node& node) {
  return {.busy_w = node.busy_w,
          .transfer_j_per_byte = node.transfer_j_per_byte,
          .price_usd_per_s = node.price_usd_per_s,
          .slots = static_cast<double>(node.slots)};
}

struct Variant {
  std::size_t model = 0;
  double accuracy = 0;
  double reference_s = 0;
  double memory_bytes = 0;
  double artifact_bytes = 0;
};

struct Model {
  std::size_t first = 0;  // its variants are [first, first + count)
  std::size_t count = 0;
  double input_bytes = 0;  // on average
  double share = 1;        // of the arrivals
};

// How the tasks of an episode weigh the objectives.
enum class Preferences : std::uint8_t { kOne, kPresets, kAny };

struct Context {
  std::vector<Node> nodes;
  std::vector<Model> models;
  std::vector<Variant> variants;
  std::vector<double> service_s;   // [node][variant], the truth on average
  std::vector<double> load_s;      // likewise
  std::vector<double> believed_s;  // what the scheduler believes the service time to be
  std::vector<std::uint8_t> warm;  // likewise: whether it is loaded when the episode begins
  double load = 0.7;               // arrivals against what the fleet can do with medium variants
  double arrivals_per_s = 1;
  double burst = 1;            // in bursts, arrivals come this many times as fast
  double burst_share = 0;      // of the time
  double deadline_share = 0;   // of the tasks
  double service_noise = 0.1;  // relative deviation, lognormal
  double link_noise = 0.3;     // of the bandwidth, over time
  double link_stale_s = 5;     // how old the scheduler's knowledge of a bandwidth is
  Preferences preferences = Preferences::kAny;
  scheduler::Preference preference;      // with kOne
  std::vector<scheduler::Scale> scales;  // by model: of the idle fleet; what costs are counted in

  std::size_t at(std::size_t node, std::size_t variant) const {
    return node * variants.size() + variant;
  }
};

// What may be drawn. Held-out fleets are drawn from other ranges than training ones.
struct Draw {
  std::size_t least_nodes = 2;
  std::size_t most_nodes = 12;
  double least_load = 0.4;
  double most_load = 1.15;
  double stretch = 1;  // ranges are this much wider, by ratio
};

Context draw_context(const Draw& draw, Random& random);
// Fills in what follows from the rest: scales and the arrival rate. After a change by hand.
void conclude(Context& context);

}  // namespace skerry::rl::fleet
