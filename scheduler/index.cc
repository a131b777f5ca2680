#include "scheduler/index.h"

#include <algorithm>

#include "common/check.h"

namespace skerry::scheduler {

namespace {

constexpr std::size_t kWordBits = 64;
constexpr double kLightSeconds = 0.001;
constexpr double kMediumSeconds = 0.03;
constexpr double kHeavySeconds = 1;
constexpr double kInputBytes = 1e6;
// Added to what is multiplied, so that a node that is free in one way is not the best whatever else
// it is: what the medium work takes on the thriftiest hardware.
constexpr double kLeastJoules = 1e-3;
constexpr double kLeastUsd = 1e-8;

Fleet::Index::Keys keys_of(NodeId id, const NodeFacts& f) {
  Fleet::Index::Keys keys;
  if (!f.placeable) {
    keys.fill(kUnranked);
    return keys;
  }
  const double start_s = f.wait_s + f.rtt_s;
  const double medium_s = start_s + kMediumSeconds * f.seconds_per_reference_s;
  const double input_s = medium_s + kInputBytes * f.seconds_per_byte;
  const double medium_j = kLeastJoules + kMediumSeconds * f.joules_per_reference_s;
  const double input_j = medium_j + kInputBytes * f.joules_per_byte;
  const double medium_usd = kLeastUsd + kMediumSeconds * f.usd_per_reference_s;

  const auto set = [&](OrderKind kind, double key) {
    keys[static_cast<std::size_t>(kind)] = ranked(key, id);
  };
  set(OrderKind::kLightLatency, start_s + kLightSeconds * f.seconds_per_reference_s);
  set(OrderKind::kLatency, medium_s);
  set(OrderKind::kHeavyLatency, start_s + kHeavySeconds * f.seconds_per_reference_s);
  set(OrderKind::kInputLatency, input_s);
  set(OrderKind::kEnergy, f.joules_per_reference_s);
  set(OrderKind::kInputEnergy, input_j);
  set(OrderKind::kCost, f.usd_per_reference_s);
  set(OrderKind::kThrift, medium_s * medium_j * medium_usd);
  set(OrderKind::kInputThrift, input_s * input_j * medium_usd);
  set(OrderKind::kGreenSpeed, medium_s * medium_j * medium_j);
  set(OrderKind::kInputGreenSpeed, input_s * input_j * input_j);
  set(OrderKind::kCheapSpeed, medium_s * medium_usd);
  set(OrderKind::kFrugal, medium_j * medium_usd);
  set(OrderKind::kQueue, f.queue);
  return keys;
}

std::size_t model_group(ModelId model, Tier tier) {
  return model.value * kTiers + static_cast<std::size_t>(tier);
}

}  // namespace

Fleet::Index::Group& Fleet::Index::group_of(std::deque<Group>& groups, std::size_t number) {
  while (groups.size() <= number) {
    groups.emplace_back();
  }
  return groups[number];
}

Fleet::Index::Membership Fleet::Index::join(Group& group, const Keys& keys) {
  Membership membership{&group, group.slots};
  if (group.free_slots.empty()) {
    ++group.slots;
    for (Order& order : group.orders) {
      order.grow(group.slots);
    }
  } else {
    membership.slot = group.free_slots.back();
    group.free_slots.pop_back();
  }
  for (std::size_t i = 0; i < kOrders; ++i) {
    group.orders[i].set(membership.slot, keys[i]);
  }
  return membership;
}

void Fleet::Index::leave(const Membership& membership) {
  for (Order& order : membership.group->orders) {
    order.set(membership.slot, kUnranked);
  }
  membership.group->free_slots.push_back(membership.slot);
}

void Fleet::Index::mark_placeable(NodeId id, bool placeable) {
  const std::size_t word = id.value / kWordBits;
  const std::uint64_t bit = std::uint64_t{1} << (id.value % kWordBits);
  if (placeable_.size() <= word) {
    placeable_.resize(word + 1);
  }
  placeable_count_ += placeable ? 1 : 0;
  placeable_count_ -= (placeable_[word] & bit) != 0 ? 1 : 0;
  placeable_[word] = placeable ? placeable_[word] | bit : placeable_[word] & ~bit;
}

void Fleet::Index::put(NodeId id, const NodeFacts& facts) {
  if (cards_.size() <= id.value) {
    cards_.resize(id.value + 1);
  }
  Card& card = cards_[id.value];
  const Keys keys = keys_of(id, facts);
  mark_placeable(id, facts.placeable);
  if (card.present && card.facts.tier != facts.tier) {
    const std::vector<ModelId> models = card.models;  // their groups are of the tier, too
    remove(id);
    put(id, facts);
    set_models(id, models);
    return;
  }
  if (!card.present) {
    card.present = true;
    card.keys.fill(kUnranked);
    card.tier = join(group_of(tiers_, static_cast<std::size_t>(facts.tier)), card.keys);
  }
  card.facts = facts;
  for (std::size_t i = 0; i < kOrders; ++i) {
    if (card.keys[i] == keys[i]) {
      continue;
    }
    card.keys[i] = keys[i];
    card.tier.group->orders[i].set(card.tier.slot, keys[i]);
    for (const Membership& membership : card.by_model) {
      membership.group->orders[i].set(membership.slot, keys[i]);
    }
  }
}

void Fleet::Index::set_models(NodeId id, std::span<const ModelId> models) {
  Card& card = cards_[id.value];
  if (std::ranges::equal(card.models, models)) {
    return;
  }
  for (const Membership& membership : card.by_model) {
    leave(membership);
  }
  card.by_model.clear();
  card.models.assign(models.begin(), models.end());
  for (const ModelId model : models) {
    card.by_model.push_back(
        join(group_of(models_, model_group(model, card.facts.tier)), card.keys));
  }
}

void Fleet::Index::remove(NodeId id) {
  Card& card = cards_[id.value];
  check(card.present, "only a node of the index leaves it");
  mark_placeable(id, false);
  leave(card.tier);
  set_models(id, {});
  card.present = false;
  card.facts = {};
}

void Fleet::Index::rotate() {
  const NodeId next = placeable_from(turn_);
  turn_ = next == kNoNode ? 0 : next.value + 1;
}

const Order* Fleet::Index::tier_order(Tier tier, OrderKind kind) const {
  const auto number = static_cast<std::size_t>(tier);
  return number < tiers_.size() ? &tiers_[number].orders[static_cast<std::size_t>(kind)] : nullptr;
}

const Order* Fleet::Index::model_order(ModelId model, Tier tier, OrderKind kind) const {
  const std::size_t number = model_group(model, tier);
  return number < models_.size() ? &models_[number].orders[static_cast<std::size_t>(kind)]
                                 : nullptr;
}

bool Fleet::Index::has_model(NodeId id, ModelId model) const {
  return std::ranges::binary_search(cards_[id.value].models, model);
}

NodeId Fleet::Index::placeable_from(std::uint32_t id) const {
  if (placeable_count_ == 0) {
    return kNoNode;
  }
  std::size_t word = id / kWordBits;
  std::uint64_t bits =
      word < placeable_.size() ? placeable_[word] & (~std::uint64_t{0} << (id % kWordBits)) : 0;
  while (bits == 0) {
    word = word + 1 < placeable_.size() ? word + 1 : 0;
    bits = placeable_[word];
  }
  return NodeId{static_cast<std::uint32_t>(word * kWordBits) +
                static_cast<std::uint32_t>(std::countr_zero(bits))};
}

}  // namespace skerry::scheduler
