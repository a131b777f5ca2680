#include "scheduler/place.h"

#include <algorithm>
#include <utility>

#include "scheduler/eligibility.h"
#include "scheduler/pareto.h"
#include "scheduler/ranking.h"
#include "scheduler/shortlist.h"

namespace skerry::scheduler {

namespace {

// A shortlist of fewer nodes that gave up looking is not trusted: the fleet is scanned.
constexpr std::size_t kTrustedNodes = 4;
// A task that is confined to at most so many nodes, by name, site or labels, has them looked at one
// by one; if there are more, the index finds enough of them.
constexpr std::size_t kShortConfines = 512;
// Where nobody can take a task, at least so many nodes are asked why.
constexpr std::size_t kAskedNodes = 64;

bool contains(std::span<const NodeId> nodes, NodeId node) {
  return std::ranges::find(nodes, node) != nodes.end();
}

}  // namespace

struct Placer::State {
  Ranking ranking;
  Eligibility eligibility;
  Shortlist shortlist;
  std::vector<NodeId> nodes;
  Front front;
  Decision decision;
  double warm_latency_s = 0;  // of decision.warm_up, once it is loaded

  std::uint32_t& masked_of(MaskReason reason) {
    return decision.masked[static_cast<std::size_t>(reason)];
  }
  void look(const TaskView& task, const Fleet& fleet);
  void keep_takers();
  void evaluate(const TaskView& task, const Fleet& fleet, std::span<const NodeId> from);
  void scan(const TaskView& task, const Fleet& fleet);
  void ask_why(const TaskView& task, const Fleet& fleet);
  void ask(const TaskView& task, const Fleet& fleet, NodeId node);
  void consider_warm_up(const Fleet& fleet, NodeId node, VariantId variant,
                        const Prediction& prediction);
  void add_full_nodes(const TaskView& task, const Fleet& fleet);
  void begin(const TaskView& task, const Fleet& fleet);
  void choose(const TaskView& task, const Fleet& fleet);
};

namespace {

// Judged by what is predicted of a node that takes work, not by what the node is.
bool is_predicted(MaskReason reason) {
  return reason == MaskReason::kDeadline || reason == MaskReason::kEnergy ||
         reason == MaskReason::kCost;
}

}  // namespace

// Finds the nodes worth looking at, and the candidates among them.
void Placer::State::look(const TaskView& task, const Fleet& fleet) {
  const auto confines = eligibility.confines();
  const bool small_fleet = fleet.node_count() <= kShortlistNodes;
  if (small_fleet || (confines && confines->size() <= kShortConfines)) {
    nodes.clear();
    if (small_fleet) {  // all of it, so that every node's reason is counted
      for (std::uint32_t i = 0; i < fleet.node_id_limit(); ++i) {
        if (fleet.has_node(NodeId{i})) {
          nodes.push_back(NodeId{i});
        }
      }
    } else {
      nodes.assign(confines->begin(), confines->end());
    }
    keep_takers();
    shortlist.pick(task, fleet, nodes);
  } else {
    shortlist.gather(task, fleet, eligibility, decision.masked);
  }
  evaluate(task, fleet, shortlist.nodes());
  const bool few = shortlist.incomplete() && shortlist.nodes().size() < kTrustedNodes;
  if ((decision.candidates.empty() || few) && !small_fleet && eligibility.any_variant()) {
    scan(task, fleet);
  }
}

// Drops the nodes that take no work of this task, and counts why.
void Placer::State::keep_takers() {
  std::erase_if(nodes, [&](NodeId node) {
    const bool drop = !eligibility.takes_work(node);
    if (drop) {
      count_masked(eligibility, node, decision.masked);
    }
    return drop;
  });
}

// Appends the candidates on these nodes, which are ascending and take work.
void Placer::State::evaluate(const TaskView& task, const Fleet& fleet,
                             std::span<const NodeId> from) {
  for (const NodeId node : from) {
    for (const VariantMask& variant : eligibility.variants()) {
      MaskReason reason = eligibility.lasting(node, variant);
      if (reason == MaskReason::kNone) {
        const Physics physics = fleet.physics(node, variant.id, task.input_bytes);
        const Prediction prediction = predict(physics);
        reason = eligibility.predicted(prediction.objectives);
        if (reason == MaskReason::kNone) {
          decision.candidates.push_back({node, variant.id, prediction, offer(physics), {}});
          continue;
        }
      }
      ++masked_of(reason);
    }
  }
}

// Every node that may take the task instead of a shortlist, for constraints that few meet.
// O(nodes).
void Placer::State::scan(const TaskView& task, const Fleet& fleet) {
  decision.masked.fill(0);
  nodes.clear();
  if (const auto confines = eligibility.confines()) {
    nodes.assign(confines->begin(), confines->end());
  } else {
    std::uint32_t next = 0;
    for (std::size_t left = fleet.index().placeable_count(); left > 0; --left) {
      nodes.push_back(fleet.index().placeable_from(next));
      next = nodes.back().value + 1;
    }
  }
  keep_takers();
  std::erase_if(nodes, [&](NodeId node) {
    decision.candidates.clear();
    evaluate(task, fleet, {&node, 1});
    return decision.candidates.empty();
  });
  decision.candidates.clear();
  shortlist.pick(task, fleet, nodes);
  const MaskCounts masked = decision.masked;  // every node was counted already
  evaluate(task, fleet, shortlist.nodes());
  decision.masked = masked;
}

// Nobody can take the task now: counts why, and finds out whether somebody ever could.
void Placer::State::ask_why(const TaskView& task, const Fleet& fleet) {
  decision.masked.fill(0);
  decision.satisfiable = false;
  const auto confines = eligibility.confines();
  std::size_t asked = 0;
  for (const NodeId node : confines.value_or(std::span<const NodeId>())) {
    ask(task, fleet, node);
    ++asked;
  }
  // Others cannot take it if it is confined, nor anybody if no variant will do; then a few of them
  // are asked for the reasons only.
  const bool settled = confines || !eligibility.any_variant();
  for (std::uint32_t i = 0; i < fleet.node_id_limit(); ++i) {
    if (asked >= kAskedNodes && (settled || decision.satisfiable)) {
      return;
    }
    const NodeId node{i};
    if (fleet.has_node(node) && !(confines && contains(*confines, node))) {
      ask(task, fleet, node);
      ++asked;
    }
  }
}

void Placer::State::ask(const TaskView& task, const Fleet& fleet, NodeId node) {
  const MaskReason lasting = eligibility.lasting(node);
  if (lasting != MaskReason::kNone) {
    masked_of(lasting) += static_cast<std::uint32_t>(eligibility.variants().size());
    return;
  }
  for (const VariantMask& variant : eligibility.variants()) {
    const Prediction prediction = predict(fleet, node, variant.id, task.input_bytes);
    const MaskReason reason = eligibility.judge(node, variant, prediction);
    ++masked_of(reason);
    const bool possible = eligibility.possible(node, variant);
    decision.satisfiable = decision.satisfiable || possible;
    if (possible && is_predicted(reason)) {
      consider_warm_up(fleet, node, variant.id, prediction);
    }
  }
}

void Placer::State::consider_warm_up(const Fleet& fleet, NodeId node, VariantId variant,
                                     const Prediction& prediction) {
  const double warm_s = prediction.objectives.latency_s - prediction.load_s;
  const bool idle = fleet.load(node).outstanding == 0;
  if (idle && !fleet.resident(node, variant) && (!decision.warm_up || warm_s < warm_latency_s)) {
    decision.warm_up = WarmUp{node, variant};
    warm_latency_s = warm_s;
  }
}

// What nodes without room would offer. In a large fleet others stand in for them.
void Placer::State::add_full_nodes(const TaskView& task, const Fleet& fleet) {
  if (fleet.node_count() > kShortlistNodes) {
    return;
  }
  for (std::uint32_t i = 0; i < fleet.node_id_limit(); ++i) {
    const NodeId node{i};
    if (!fleet.has_node(node) || eligibility.lasting(node) != MaskReason::kNone ||
        eligibility.passing(node) != MaskReason::kNoCredit) {
      continue;
    }
    for (const VariantMask& variant : eligibility.variants()) {
      if (eligibility.lasting(node, variant) == MaskReason::kNone) {
        front.add(offer(fleet.physics(node, variant.id, task.input_bytes)), 0);
      }
    }
  }
}

void Placer::State::choose(const TaskView& task, const Fleet& fleet) {
  front.clear();
  for (const Candidate& candidate : decision.candidates) {
    front.add(candidate.offer, 0);
  }
  add_full_nodes(task, fleet);
  decision.scale = front.wide_scale();
  for (Candidate& candidate : decision.candidates) {
    candidate.normalised = decision.scale.normalise(candidate.prediction.objectives);
  }
  ranking.decide(task, fleet, decision);
}

Placer::Placer(std::unique_ptr<Policy> policy, Random random, Clock* stopwatch)
    : state_(std::make_unique<State>(
          State{.ranking = Ranking(std::move(policy), random, stopwatch)})) {}

Placer::~Placer() = default;

void Placer::State::begin(const TaskView& task, const Fleet& fleet) {
  decision.chosen.reset();
  decision.candidates.clear();
  decision.scores.clear();
  decision.scale = {};
  decision.trend = {};
  decision.waiting = task.waiting;
  decision.masked.fill(0);
  decision.satisfiable = true;
  decision.warm_up.reset();
  decision.policy = ranking.policy().name();
  decision.policy_version = ranking.policy().version();
  decision.shadows.clear();
  decision.fallback_reason.clear();
  eligibility.bind(task, fleet);
  look(task, fleet);
}

const Decision& Placer::decide(const TaskView& task, const Fleet& fleet) {
  State& state = *state_;
  state.begin(task, fleet);
  if (state.decision.candidates.empty()) {
    state.ask_why(task, fleet);
  } else {
    state.choose(task, fleet);
  }
  return state.decision;
}

const Decision& Placer::candidates(const TaskView& task, const Fleet& fleet) {
  state_->begin(task, fleet);
  return state_->decision;
}

Ranking& Placer::ranking() { return state_->ranking; }
const Ranking& Placer::ranking() const { return state_->ranking; }

}  // namespace skerry::scheduler
