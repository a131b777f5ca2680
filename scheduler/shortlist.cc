#include "scheduler/shortlist.h"

#include <algorithm>
#include <limits>

#include "common/check.h"

namespace skerry::scheduler {

namespace {

constexpr std::uint32_t kPassOverLimit = 64;  // nodes of one order, until it is given up
constexpr std::size_t kRotatingNodes = 2;
constexpr double kLargeInputBytes = 100e3;
constexpr double kExhausted = std::numeric_limits<double>::infinity();

// The latency order whose amount of work is nearest, by ratio.
OrderKind latency_order(double reference_s) {
  if (reference_s < 0.0055) {
    return OrderKind::kLightWork;
  }
  return reference_s < 0.17 ? OrderKind::kMediumWork : OrderKind::kHeavyWork;
}

bool passes(const Eligibility& eligibility, NodeId node) {
  return eligibility.lasting(node) == MaskReason::kNone &&
         eligibility.passing(node) == MaskReason::kNone;
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
  source.next_turn = 0;  // everyone has a first turn
  source.passed_over = 0;
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
  const auto& weights = task.preference.weights;
  constexpr double kBase = 0.1;

  source_count_ = 0;
  for (const bool resident : {true, false}) {
    add_source(heavy, resident, kBase + weights[0] / 2);
    if (light != heavy) {
      add_source(light, resident, kBase + weights[0] / 2);
    }
    if (task.input_bytes > kLargeInputBytes) {
      add_source(OrderKind::kLargeInput, resident, kBase + weights[0] / 2);
    }
    add_source(OrderKind::kEnergy, resident, kBase + weights[1]);
    add_source(OrderKind::kCost, resident, kBase + weights[2]);
    add_source(OrderKind::kThrift, resident, kBase + 0.25);
  }
  add_source(OrderKind::kQueue, false, kBase);
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
    if (source.resident) {
      add(index.model_order(task.model, source.kind));
    } else if (eligibility.site_asked()) {
      add(eligibility.site() ? index.site_order(*eligibility.site(), source.kind) : nullptr);
    } else {
      for (const Tier tier : {Tier::kDevice, Tier::kEdge, Tier::kCloud}) {
        add(eligibility.tier_allowed(tier) ? index.tier_order(tier, source.kind) : nullptr);
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
    if (passes(eligibility, id) && take(id)) {
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
  while (nodes_.size() < kShortlistNodes) {
    Source* source = next_source();
    if (source == nullptr) {
      break;
    }
    const Ranked entry = source->walk.next();
    if (entry == kUnranked || source->passed_over == kPassOverLimit) {
      incomplete_ |= entry != kUnranked;
      source->next_turn = kExhausted;
      continue;
    }
    const NodeId id = node_of(entry);
    if (!take(id)) {
      continue;
    }
    if (passes(eligibility, id)) {
      nodes_.push_back(id);
      source->next_turn += source->stride;
    } else {
      ++source->passed_over;
      count_masked(eligibility, id, masked);
    }
  }
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
