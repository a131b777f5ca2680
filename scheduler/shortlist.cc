#include "scheduler/shortlist.h"

#include <algorithm>
#include <limits>

#include "common/check.h"

namespace skerry::scheduler {

namespace {

// Nodes that take no work of the task are passed over up to so many times in all. Each costs its
// order a part of a turn, so that one order that is full of them does not use all of that up.
constexpr std::uint32_t kPassOverLimit = 256;
constexpr double kPassOverTurn = 0.125;
constexpr std::size_t kRotatingNodes = 2;
constexpr double kLargeInputBytes = 100e3;
constexpr double kExhausted = std::numeric_limits<double>::infinity();

// How many turns an order has, relative to the others: always, and by the preference's weights.
// Chosen by the regret over random fleets (tests/unit/scheduler_regret_test.cc); it is flat around
// these.
struct Turns {
  OrderKind small_input, large_input;
  double always, latency, energy, cost;

  double weight(const std::array<double, kObjectives>& weights) const {
    return always + latency * weights[0] + energy * weights[1] + cost * weights[2];
  }
};
constexpr std::array<Turns, 6> kTurns = {{
    {OrderKind::kThrift, OrderKind::kInputThrift, 0.5, 0, 0, 0},
    {OrderKind::kGreenSpeed, OrderKind::kInputGreenSpeed, 0.2, 0, 0.8, 0},
    {OrderKind::kEnergy, OrderKind::kInputEnergy, 0.1, 0, 0.5, 0},
    {OrderKind::kCost, OrderKind::kCost, 0.05, 0, 0, 0.3},
    {OrderKind::kCheapSpeed, OrderKind::kCheapSpeed, 0.1, 0.2, 0, 0.5},
    {OrderKind::kFrugal, OrderKind::kFrugal, 0.25, 0, 0.2, 0.2},
}};
// The latency orders depend on the model's work, so their kinds are chosen per task.
constexpr Turns kLatencyTurns = {OrderKind::kLatency, OrderKind::kInputLatency, 0.05, 0.3, 0, 0};
constexpr double kQueueTurns = 0.05;
// Nodes where the model is not resident have to load it first, and are good more rarely.
constexpr double kElsewhere = 0.2;

// The latency order whose amount of work is nearest, by ratio.
OrderKind latency_order(double reference_s) {
  if (reference_s < 0.0055) {
    return OrderKind::kLightLatency;
  }
  return reference_s < 0.17 ? OrderKind::kLatency : OrderKind::kHeavyLatency;
}

// How much each objective matters for finding nodes: as the preference says, and more where a
// constraint bounds it, so that nodes which meet the bound are found.
std::array<double, kObjectives> care(const TaskView& task) {
  constexpr double kBounded = 0.25;
  const Constraints& constraints = *task.constraints;
  auto weights = task.preference.weights;
  weights[static_cast<std::size_t>(Objective::kLatency)] += constraints.deadline ? kBounded : 0;
  weights[static_cast<std::size_t>(Objective::kEnergy)] += constraints.max_energy_j ? kBounded : 0;
  weights[static_cast<std::size_t>(Objective::kCost)] += constraints.max_cost_usd ? kBounded : 0;
  return weights;
}

}  // namespace

void count_masked(const Eligibility& eligibility, NodeId node, MaskCounts& masked) {
  const MaskReason lasting = eligibility.lasting(node);
  const MaskReason passing = eligibility.passing(node);
  for (const VariantMask& variant : eligibility.variants()) {
    MaskReason reason = lasting;
    if (reason == MaskReason::kNone) {
      reason = eligibility.lasting(node, variant);
    }
    if (reason == MaskReason::kNone) {
      reason = passing;
    }
    ++masked[static_cast<std::size_t>(reason)];
  }
}

void Shortlist::add_source(OrderKind kind, bool resident, double weight) {
  check(source_count_ < kMaxSources, "there is room for every order's source");
  Source& source = sources_[source_count_++];
  source.kind = kind;
  source.resident = resident;
  source.stride = 1 / weight;
  source.next_turn = source.stride;
  source.list_next = 0;
}

void Shortlist::plan_sources(const TaskView& task, const Fleet& fleet) {
  double least_s = std::numeric_limits<double>::infinity();
  double most_s = 0;
  for (const VariantId id : fleet.model(task.model).variants) {
    const double reference_s = fleet.variant(id).reference_s;
    least_s = std::min(least_s, reference_s);
    most_s = std::max(most_s, reference_s);
  }
  const OrderKind light = latency_order(least_s);
  const OrderKind heavy = latency_order(most_s);
  const bool large_input = task.input_bytes > kLargeInputBytes;
  const auto weights = care(task);

  source_count_ = 0;
  for (const bool resident : {true, false}) {
    const double share = resident ? 1 : kElsewhere;
    const double latency = share * kLatencyTurns.weight(weights);
    add_source(large_input ? kLatencyTurns.large_input : heavy, resident, latency);
    if (light != heavy || large_input) {
      add_source(light, resident, latency);
    }
    for (const Turns& turns : kTurns) {
      add_source(large_input ? turns.large_input : turns.small_input, resident,
                 share * turns.weight(weights));
    }
  }
  add_source(OrderKind::kQueue, false, kQueueTurns);
  sources_[source_count_ - 1].next_turn = 0;  // always has one
}

void Shortlist::start_walks(const TaskView& task, const Fleet& fleet,
                            const Eligibility& eligibility) {
  const Fleet::Index& index = fleet.index();
  for (Source& source : std::span(sources_).first(source_count_)) {
    source.walk.start();
    const auto add = [&](const Order* order) {
      if (order != nullptr) {
        source.walk.add(*order);
      }
    };
    for (const Tier tier : {Tier::kDevice, Tier::kEdge, Tier::kCloud}) {
      if (eligibility.tier_allowed(tier)) {
        add(source.resident ? index.model_order(task.model, tier, source.kind)
                            : index.tier_order(tier, source.kind));
      }
    }
  }
}

Shortlist::Source* Shortlist::next_source() {
  Source* next = nullptr;
  double turn = kExhausted;
  for (Source& source : std::span(sources_).first(source_count_)) {
    if (source.next_turn < turn) {
      turn = source.next_turn;
      next = &source;
    }
  }
  return next;
}

bool Shortlist::take(NodeId id) {
  if (seen_[id.value] == round_) {
    return false;
  }
  seen_[id.value] = round_;
  return true;
}

void Shortlist::forget_seen(const Fleet& fleet) {
  if (++round_ == 0 || seen_.size() < fleet.node_id_limit()) {
    seen_.assign(fleet.node_id_limit(), 0);
    round_ = 1;
  }
  nodes_.clear();
  incomplete_ = false;
}

void Shortlist::take_rotating(const Fleet& fleet, const Eligibility& eligibility) {
  std::uint32_t from = fleet.index().turn();
  for (std::uint32_t looked = 0; looked < kPassOverLimit && nodes_.size() < kRotatingNodes;
       ++looked) {
    const NodeId id = fleet.index().placeable_from(from);
    if (id == Fleet::Index::kNoNode || seen_[id.value] == round_) {
      return;  // none, or once around
    }
    from = id.value + 1;
    if (eligibility.takes_work(id) && take(id)) {
      nodes_.push_back(id);
    }
  }
}

void Shortlist::gather(const TaskView& task, const Fleet& fleet, const Eligibility& eligibility,
                       MaskCounts& masked) {
  forget_seen(fleet);
  plan_sources(task, fleet);
  start_walks(task, fleet, eligibility);
  take_rotating(fleet, eligibility);
  std::uint32_t passed_over = 0;
  while (nodes_.size() < kShortlistNodes && passed_over < kPassOverLimit) {
    Source* source = next_source();
    if (source == nullptr) {
      break;
    }
    const Ranked entry = source->walk.next();
    if (entry == kUnranked) {
      source->next_turn = kExhausted;
    } else if (const NodeId id = node_of(entry); take(id)) {
      if (eligibility.takes_work(id)) {
        nodes_.push_back(id);
        source->next_turn += source->stride;
      } else {
        count_masked(eligibility, id, masked);
        source->next_turn += kPassOverTurn * source->stride;
        ++passed_over;
      }
    }
  }
  incomplete_ = passed_over == kPassOverLimit;
  std::ranges::sort(nodes_);
}

void Shortlist::pick(const TaskView& task, const Fleet& fleet, std::span<const NodeId> from) {
  forget_seen(fleet);
  if (from.size() <= kShortlistNodes) {
    nodes_.assign(from.begin(), from.end());
    std::ranges::sort(nodes_);
    return;
  }
  plan_sources(task, fleet);
  for (Source& source : std::span(sources_).first(source_count_)) {
    source.list.clear();
    for (const NodeId id : from) {
      if (!source.resident || fleet.index().has_model(id, task.model)) {
        source.list.push_back(fleet.index().key(id, source.kind));
      }
    }
    const std::size_t kept = std::min(source.list.size(), kShortlistNodes);
    std::ranges::partial_sort(source.list, source.list.begin() + static_cast<std::ptrdiff_t>(kept));
    source.list.resize(kept);
  }
  while (nodes_.size() < kShortlistNodes) {
    Source* source = next_source();
    if (source == nullptr) {
      break;
    }
    if (source->list_next == source->list.size()) {
      source->next_turn = kExhausted;
    } else if (take(node_of(source->list[source->list_next++]))) {
      nodes_.push_back(node_of(source->list[source->list_next - 1]));
      source->next_turn += source->stride;
    }
  }
  std::ranges::sort(nodes_);
}

}  // namespace skerry::scheduler
