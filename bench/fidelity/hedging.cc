#include "bench/fidelity/hedging.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "bench/fidelity/played.h"
#include "common/random.h"

namespace skerry::fidelity {

namespace {

using rl::fleet::Context;
using rl::fleet::Task;

constexpr double kSlowShare = 0.01;
constexpr double kSlowFactor = 10;
constexpr double kLoad = 0.3;
constexpr double kNoise = 0.1;
constexpr double kLoadSeconds = 0.5;  // as long as an agent lets a cancelled run go on

// Four near nodes that are thrifty, four far ones that are quick; a model that takes 100 and 60 ms.
Context fleet() {
  Context context;
  for (int i = 0; i < 4; ++i) {
    context.nodes.push_back({.tier = scheduler::Tier::kEdge,
                             .slots = 2,
                             .busy_w = 15,
                             .transfer_j_per_byte = 1e-8,
                             .price_usd_per_s = 1e-5,
                             .rtt_s = 0.005,
                             .bandwidth_bytes_per_s = 1e7,
                             .memory_bytes = 1e9});
    context.nodes.push_back({.tier = scheduler::Tier::kCloud,
                             .slots = 4,
                             .speed = 1.67,
                             .busy_w = 120,
                             .transfer_j_per_byte = 5e-8,
                             .price_usd_per_s = 1e-4,
                             .rtt_s = 0.03,
                             .bandwidth_bytes_per_s = 1e7,
                             .memory_bytes = 1e10});
  }
  context.models.push_back({.first = 0, .count = 1, .input_bytes = 50'000});
  context.variants.push_back(
      {.accuracy = 0.9, .reference_s = 0.1, .memory_bytes = 1e6, .artifact_bytes = 1e6});
  for (const rl::fleet::Node& node : context.nodes) {
    context.service_s.push_back(0.1 / node.speed);
    context.load_s.push_back(kLoadSeconds);
    context.warm.push_back(1);
  }
  context.believed_s = context.service_s;
  context.service_noise = kNoise;
  context.link_noise = 0;
  conclude(context);
  return context;
}

std::vector<Task> draw_tasks(const Context& context, std::size_t count, std::string_view preset,
                             bool slow_inputs) {
  double per_s = 0;
  for (std::size_t n = 0; n < context.nodes.size(); ++n) {
    per_s += static_cast<double>(context.nodes[n].slots) / context.service_s[context.at(n, 0)];
  }
  Random random(20'261'127);
  std::vector<Task> tasks(count);
  double at_s = 0;
  for (Task& task : tasks) {
    at_s += random.exponential(1 / (kLoad * per_s));
    task.arrival_s = at_s;
    task.input_bytes = context.models[0].input_bytes;
    task.difficulty = std::exp(random.normal(-kNoise * kNoise / 2, kNoise));
    task.difficulty *= random.chance(kSlowShare) && slow_inputs ? kSlowFactor : 1;
    task.preference = *scheduler::preset(preset);
  }
  return tasks;
}

std::string json_of(Played played) {
  std::ranges::sort(played.latencies_s);
  const auto quantile_ms = [&](double share) {
    const auto last = static_cast<double>(played.latencies_s.size() - 1);
    return 1000 * played.latencies_s[static_cast<std::size_t>(share * last)];
  };
  const auto tasks = static_cast<double>(played.tasks);
  return fmt::format(
      "{{\"p50_ms\": {:.2f}, \"p99_ms\": {:.2f}, \"p999_ms\": {:.2f}, \"mean_ms\": {:.3f}, "
      "\"joules\": {:.4f}, \"hedges\": {}, \"won\": {}}}",
      quantile_ms(0.5), quantile_ms(0.99), quantile_ms(0.999), 1000 * played.sums.latency_s / tasks,
      played.spent_j / tasks, played.hedges, played.hedges_won);
}

}  // namespace

std::string hedging_report(std::size_t count) {
  const Context context = fleet();
  const PolicyUnderTest greedy{.name = "greedy", .bundle_text = {}, .bundle = {}};
  std::string report;
  for (const bool slow_inputs : {false, true}) {
    for (const char* preset : {"fast", "balanced", "green"}) {
      const auto tasks = draw_tasks(context, count, preset, slow_inputs);
      const auto play = [&](bool hedging) {
        return json_of(play_in_core(context, tasks, greedy,
                                    {.interactive = true,
                                     .hedging = hedging,
                                     .slow_share = slow_inputs ? 0 : kSlowShare,
                                     .slow_factor = kSlowFactor,
                                     .cancel_grace_s = kLoadSeconds}));
      };
      report += fmt::format(
          "{{\"slow\": \"{}\", \"preset\": \"{}\", \"tasks\": {}, \"without\": {}, \"with\": "
          "{}}}\n",
          slow_inputs ? "inputs" : "runs", preset, count, play(false), play(true));
    }
  }
  return report;
}

}  // namespace skerry::fidelity
