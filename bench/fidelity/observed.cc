#include "bench/fidelity/observed.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <map>
#include <sstream>
#include <utility>

namespace skerry::fidelity {

namespace {

namespace json = boost::json;

struct Mean {
  double sum = 0;
  double count = 0;

  void add(double value) {
    sum += value;
    count += 1;
  }
  double value(double otherwise) const { return count > 0 ? sum / count : otherwise; }
};

struct PairSeen {
  Mean predicted_s, load_s, taken_s, resident;
  std::vector<double> taken;  // each
};
struct NodeSeen {
  scheduler::CandidateFacts facts;
  Mean rtt_s, bandwidth;
};
struct Seen {
  std::map<std::string, NodeSeen> nodes;
  std::map<std::string, replay::TracedCandidate> variants;
  std::map<std::pair<std::string, std::string>, PairSeen> pairs;
  Mean input_bytes;
};

Seen look_at(std::span<const replay::TracedDecision> decisions) {
  Seen seen;
  for (const replay::TracedDecision& decision : decisions) {
    seen.input_bytes.add(decision.input_bytes);
    for (const replay::TracedCandidate& candidate : decision.candidates) {
      NodeSeen& node = seen.nodes[candidate.node];
      node.facts = candidate.facts;
      node.rtt_s.add(candidate.facts.rtt_s);
      node.bandwidth.add(candidate.facts.bandwidth_bytes_per_s);
      seen.variants[candidate.variant] = candidate;
      PairSeen& pair = seen.pairs[{candidate.node, candidate.variant}];
      pair.predicted_s.add(candidate.prediction.service_s);
      pair.resident.add(candidate.facts.resident ? 1 : 0);
      if (candidate.prediction.load_s > 0) {
        pair.load_s.add(candidate.prediction.load_s);
      }
    }
    const replay::TracedCandidate& chosen = decision.candidates[decision.chosen];
    const bool charged = decision.actual && chosen.facts.price_usd_per_s > 0;
    if (charged && chosen.prediction.load_s == 0) {
      const double taken_s =
          decision.actual->cost_usd * chosen.facts.slots / chosen.facts.price_usd_per_s;
      PairSeen& pair = seen.pairs[{chosen.node, chosen.variant}];
      pair.taken_s.add(taken_s);
      pair.taken.push_back(taken_s);
    }
  }
  return seen;
}

// The relative deviation of what runs took, over all pairs.
double noise_of(const Seen& seen) {
  Mean squares;
  for (const auto& [name, pair] : seen.pairs) {
    const double mean_s = pair.taken_s.value(0);
    for (const double taken_s : pair.taken) {
      squares.add(std::pow(taken_s / mean_s - 1, 2));
    }
  }
  constexpr double kMostNoise = 1;
  return std::min(std::sqrt(squares.value(0)), kMostNoise);
}

}  // namespace

Result<Observed> observe(std::span<const replay::TracedDecision> decisions) {
  const Seen seen = look_at(decisions);
  if (seen.nodes.empty() || seen.nodes.size() > rl::fleet::kMostNodes ||
      seen.variants.size() > rl::fleet::kMostVariants) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the decisions show {} nodes and {} variants; the simulator plays 1 to "
                            "{} nodes and at most {} variants",
                            seen.nodes.size(), seen.variants.size(), rl::fleet::kMostNodes,
                            rl::fleet::kMostVariants));
  }
  Observed observed;
  rl::fleet::Context& context = observed.context;
  context.models = {
      {.first = 0, .count = seen.variants.size(), .input_bytes = seen.input_bytes.value(0)}};
  for (const auto& [name, candidate] : seen.variants) {
    observed.variants.push_back(name);
    context.variants.push_back(
        {.accuracy = 1 - candidate.prediction.objectives.error,
         .memory_bytes = static_cast<double>(candidate.facts.variant_memory_bytes)});
  }
  for (const auto& [name, node] : seen.nodes) {
    observed.nodes.push_back(name);
    context.nodes.push_back(
        {.tier = node.facts.tier,
         .slots = std::min<std::size_t>(node.facts.slots, rl::fleet::kMostSlots),
         .busy_w = node.facts.busy_w,
         .transfer_j_per_byte = node.facts.transfer_j_per_byte,
         .price_usd_per_s = node.facts.price_usd_per_s,
         .rtt_s = node.rtt_s.value(0),
         .bandwidth_bytes_per_s = node.bandwidth.value(1),
         .memory_bytes = static_cast<double>(node.facts.node_memory_bytes)});
    for (const std::string& variant : observed.variants) {
      const auto found = seen.pairs.find({name, variant});
      const PairSeen pair = found == seen.pairs.end() ? PairSeen() : found->second;
      constexpr double kTooLongSeconds = 1e6;  // a pair that was never a candidate
      context.believed_s.push_back(pair.predicted_s.value(kTooLongSeconds));
      context.service_s.push_back(pair.taken_s.value(context.believed_s.back()));
      context.load_s.push_back(pair.load_s.value(0));
      context.warm.push_back(pair.resident.value(0) >= 0.5 ? 1 : 0);
    }
  }
  context.service_noise = noise_of(seen);
  context.link_noise = 0;
  conclude(context);
  // The first guess of the core; the probes and outcomes that follow are the truth.
  for (std::size_t v = 0; v < context.variants.size(); ++v) {
    context.variants[v].reference_s = context.service_s[context.at(0, v)];
  }
  return observed;
}

Result<std::vector<rl::fleet::Task>> read_requests(const std::string& text) {
  std::vector<rl::fleet::Task> tasks;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    boost::system::error_code malformed;
    const json::value value = json::parse(line, malformed);
    const auto* request = malformed ? nullptr : value.if_object();
    const auto* preset = request == nullptr ? nullptr : request->if_contains("preset");
    const auto* at_s = request == nullptr ? nullptr : request->if_contains("at_s");
    const auto* bytes = request == nullptr ? nullptr : request->if_contains("input_bytes");
    const std::optional<scheduler::Preference> preference =
        preset != nullptr && preset->is_string()
            ? scheduler::preset(std::string_view(preset->get_string()))
            : std::nullopt;
    if (!preference || at_s == nullptr || !at_s->is_number() || bytes == nullptr ||
        !bytes->is_number()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("line {} is not {{\"at_s\", \"preset\", \"input_bytes\"}}",
                              tasks.size() + 1));
    }
    tasks.push_back({.arrival_s = at_s->to_number<double>(),
                     .input_bytes = bytes->to_number<double>(),
                     .preference = *preference});
  }
  return tasks;
}

}  // namespace skerry::fidelity
