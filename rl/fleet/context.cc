#include "rl/fleet/context.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/charge.h"
#include "rl/fleet/view.h"
#include "scheduler/pareto.h"

namespace skerry::rl::fleet {

namespace {

using scheduler::Tier;

struct Range {
  double low, high;
};

// Drawn evenly by ratio; a stretch widens the range to both sides.
double drawn(Range range, double stretch, Random& random) {
  const double widen = std::sqrt(stretch);
  const double low = std::log(range.low / widen);
  const double high = std::log(range.high * widen);
  return std::exp(random.uniform(low, high));
}

// A tier's devices. Speeds are against a core of a current server. Sources: power of boards and boxes
// as reviewers and vendors state it (Raspberry Pi 5: 3 to 12 W; Jetson Orin family: 7 to 60 W modules;
// one-socket servers and their accelerators: 60 to 700 W), on-demand prices of cloud machines (0.03 to
// 3 dollars an hour), ownership of boxes over three years (0.005 to 0.15 dollars an hour); links as
// measured over Wi-Fi, LTE and broadband (5 to 1000 Mbit/s); 3.5 uJ/byte of an LTE uplink (Huang et
// al., MobiSys 2012).
struct Profile {
  Tier tier;
  Range slots, speed, busy_w, usd_per_hour, rtt_s, mbit, memory_gb;
  double radio_chance;
};
constexpr double kRadioJoulesPerByte = 3.5e-6;
constexpr Profile kDevice{Tier::kDevice,  {1, 2},    {0.08, 0.5}, {3, 14}, {0.004, 0.03},
                          {0.0005, 0.01}, {20, 300}, {0.5, 4},    0.3};
constexpr Profile kEdge{Tier::kEdge,   {1, 4},     {0.5, 4}, {12, 90}, {0.02, 0.2},
                        {0.001, 0.02}, {50, 1000}, {2, 24},  0.1};
constexpr Profile kCloud{Tier::kCloud, {2, 8},   {1, 16}, {60, 500}, {0.03, 2},
                         {0.02, 0.15}, {5, 200}, {8, 64}, 0.4};

Node draw_node(const Profile& profile, double stretch, Random& random) {
  constexpr double kBitsPerByte = 8;
  Node node{.tier = profile.tier};
  node.slots = std::clamp<std::size_t>(
      static_cast<std::size_t>(drawn(profile.slots, 1, random) + 0.5), 1, kMostSlots);
  node.speed = drawn(profile.speed, stretch, random);
  // Faster ones of a kind tend to draw more and to cost more.
  const double place =
      std::log(node.speed / profile.speed.low) / std::log(profile.speed.high / profile.speed.low);
  const auto tied = [&](Range range) {
    const double free = random.uniform();
    const double at = std::clamp(0.6 * place + 0.4 * free, 0.0, 1.0);
    return range.low * std::pow(range.high / range.low, at);
  };
  node.busy_w = tied(profile.busy_w);
  node.price_usd_per_s = tied(profile.usd_per_hour) / 3600;
  node.rtt_s = drawn(profile.rtt_s, stretch, random);
  node.bandwidth_bytes_per_s = drawn(profile.mbit, stretch, random) * 1e6 / kBitsPerByte;
  node.transfer_j_per_byte =
      random.chance(profile.radio_chance) ? kRadioJoulesPerByte * random.uniform(0.3, 1.5) : 0;
  node.memory_bytes = drawn(profile.memory_gb, 1, random) * 1e9;
  return node;
}

void draw_models(Context& context, double stretch, Random& random) {
  const std::size_t models = 1 + random.below(3);
  for (std::size_t m = 0; m < models; ++m) {
    Model model{.first = context.variants.size(), .count = 2 + random.below(3)};
    model.input_bytes = drawn({2e3, 1e6}, stretch, random);
    model.share = random.uniform(0.2, 1);
    double reference_s = drawn({0.001, 0.2}, stretch, random);
    double error = random.uniform(0.04, 0.4);
    double memory_bytes = drawn({2e7, 1e9}, 1, random);
    for (std::size_t v = 0; v < model.count; ++v) {
      context.variants.push_back({.model = m,
                                  .accuracy = 1 - error,
                                  .reference_s = reference_s,
                                  .memory_bytes = memory_bytes,
                                  .artifact_bytes = memory_bytes * random.uniform(0.3, 0.9)});
      reference_s *= random.uniform(1.8, 6);
      error *= random.uniform(0.4, 0.9);
      memory_bytes *= random.uniform(1.2, 3);
    }
    context.models.push_back(model);
  }
}

// Every pair of node and variant deviates from what speed alone says, and the scheduler is wrong about
// it by some more.
void draw_times(Context& context, Random& random) {
  constexpr double kAffinity = 0.25;
  constexpr double kStartRunnerSeconds = 0.3;
  constexpr double kLoadBytesPerSecond = 400e6;
  const double belief = random.uniform(0, 0.2);
  for (const Node& node : context.nodes) {
    for (const Variant& variant : context.variants) {
      const double service_s =
          variant.reference_s / node.speed * std::exp(random.normal(0, kAffinity));
      context.service_s.push_back(service_s);
      context.believed_s.push_back(service_s * std::exp(random.normal(0, belief)));
      const double fetch_s =
          random.chance(0.7) ? 0 : variant.artifact_bytes / node.bandwidth_bytes_per_s;
      context.load_s.push_back(kStartRunnerSeconds + fetch_s +
                               variant.memory_bytes / kLoadBytesPerSecond /
                                   std::min(node.speed, 1.0));
    }
  }
}

// A fleet that has been at work for a while: nodes hold what they have memory for.
void draw_warm(Context& context, Random& random) {
  context.warm.assign(context.nodes.size() * context.variants.size(), 0);
  for (std::size_t n = 0; n < context.nodes.size(); ++n) {
    std::vector<std::size_t> order(context.variants.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    double left_bytes = context.nodes[n].memory_bytes;
    while (!order.empty()) {
      const std::size_t at = random.below(order.size());
      const std::size_t v = order[at];
      order.erase(order.begin() + static_cast<std::ptrdiff_t>(at));
      if (context.variants[v].memory_bytes <= left_bytes) {
        left_bytes -= context.variants[v].memory_bytes;
        context.warm[context.at(n, v)] = 1;
      }
    }
  }
}

scheduler::Preference drawn_preference(Random& random) {
  scheduler::Preference preference;
  double sum = 0;
  for (double& weight : preference.weights) {
    weight = random.chance(0.25) ? 0 : -std::log1p(-random.uniform());
    sum += weight;
  }
  if (sum == 0) {
    return {};
  }
  for (double& weight : preference.weights) {
    weight /= sum;
  }
  return preference;
}

}  // namespace

void conclude(Context& context) {
  context.scales.clear();
  for (const Model& model : context.models) {
    scheduler::Front front;
    for (std::size_t n = 0; n < context.nodes.size(); ++n) {
      const Node& node = context.nodes[n];
      for (std::size_t v = model.first; v < model.first + model.count; ++v) {
        if (context.variants[v].memory_bytes > node.memory_bytes) {
          continue;
        }
        const double busy_s = context.service_s[context.at(n, v)];
        const NodeCharges charges = charges_of(node);
        front.add(
            {.latency_s = node.rtt_s + model.input_bytes / node.bandwidth_bytes_per_s + busy_s,
             .energy_j = charged_energy_j(charges, busy_s, model.input_bytes),
             .cost_usd = charged_cost_usd(charges, busy_s),
             .error = 1 - context.variants[v].accuracy},
            0);
      }
    }
    context.scales.push_back(front.wide_scale());
  }
  // What the fleet can do, if every node runs every model's medium variant in their shares.
  double shares = 0;
  for (const Model& model : context.models) {
    shares += model.share;
  }
  double tasks_per_s = 0;
  for (std::size_t n = 0; n < context.nodes.size(); ++n) {
    double mean_s = 0;
    for (const Model& model : context.models) {
      mean_s +=
          model.share / shares * context.service_s[context.at(n, model.first + model.count / 2)];
    }
    tasks_per_s += static_cast<double>(context.nodes[n].slots) / mean_s;
  }
  context.arrivals_per_s = context.load * tasks_per_s;
}

Context draw_context(const Draw& draw, Random& random) {
  Context context;
  const std::size_t nodes = draw.least_nodes + random.below(draw.most_nodes - draw.least_nodes + 1);
  for (std::size_t n = 0; n < nodes; ++n) {
    const double kind = random.uniform();
    const Profile& profile = n == 0 || kind > 0.75 ? kCloud : (kind < 0.35 ? kDevice : kEdge);
    context.nodes.push_back(draw_node(profile, draw.stretch, random));
  }
  // Some node takes every variant.
  draw_models(context, draw.stretch, random);
  for (const Variant& variant : context.variants) {
    context.nodes[0].memory_bytes =
        std::max(context.nodes[0].memory_bytes, 1.1 * variant.memory_bytes);
  }
  draw_times(context, random);
  draw_warm(context, random);
  context.load = random.uniform(draw.least_load, draw.most_load);
  if (random.chance(0.4)) {
    context.burst = random.uniform(1.5, 4);
    context.burst_share = random.uniform(0.05, 0.3);
  }
  context.deadline_share = random.chance(0.4) ? random.uniform(0.1, 0.6) : 0;
  context.service_noise = random.uniform(0.02, 0.4);
  context.link_noise = random.uniform(0, 0.6);
  context.link_stale_s = random.uniform(0.5, 10);
  const double mode = random.uniform();
  context.preferences =
      mode < 0.4 ? Preferences::kOne : (mode < 0.6 ? Preferences::kPresets : Preferences::kAny);
  context.preference =
      random.chance(0.4)
          ? scheduler::presets()[random.below(scheduler::presets().size())].preference
          : drawn_preference(random);
  conclude(context);
  if (random.chance(0.3)) {
    for (Node& node : context.nodes) {
      if (random.chance(0.5)) {
        node.up_s = random.uniform(1000, 6000) / context.arrivals_per_s;
        node.down_s = random.uniform(20, 200) / context.arrivals_per_s;
      }
    }
  }
  return context;
}

}  // namespace skerry::rl::fleet
