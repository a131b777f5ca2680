#include <gtest/gtest.h>

#include <algorithm>

#include "scheduler/index.h"
#include "scheduler/random_fleet.h"
#include "tests/unit/scheduler_world.h"

namespace skerry::scheduler {
namespace {

using namespace testing;

std::vector<Ranked> read(const Order& order) {
  OrderWalk walk;
  walk.start();
  walk.add(order);
  std::vector<Ranked> entries;
  for (Ranked entry = walk.next(); entry != kUnranked; entry = walk.next()) {
    entries.push_back(entry);
  }
  return entries;
}

TEST(Order, ReadsWhatWasSetFromTheSmallestOn) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    Order order;
    std::vector<Ranked> slots(1 + random.below(40), kUnranked);
    for (int step = 0; step < 300; ++step) {
      const auto slot = static_cast<std::uint32_t>(random.below(slots.size()));
      // Few keys, so that ties are common.
      slots[slot] = random.chance(0.3) ? kUnranked
                                       : ranked(static_cast<double>(random.below(5)), NodeId{slot});
      order.grow(slot + 1);
      order.set(slot, slots[slot]);
    }
    std::vector<Ranked> expected;
    std::ranges::copy_if(slots, std::back_inserter(expected),
                         [](Ranked entry) { return entry != kUnranked; });
    std::ranges::sort(expected);
    EXPECT_EQ(read(order), expected) << "seed " << seed;
  }
}

TEST(Order, SeveralOrdersAreReadAsOne) {
  Order a;
  Order b;
  a.grow(2);
  b.grow(2);
  a.set(0, ranked(1, NodeId{7}));
  a.set(1, ranked(4, NodeId{8}));
  b.set(0, ranked(1, NodeId{3}));
  b.set(1, ranked(2, NodeId{9}));
  OrderWalk walk;
  walk.start();
  walk.add(a);
  walk.add(b);
  for (const std::uint32_t node : {3U, 7U, 9U, 8U}) {
    EXPECT_EQ(node_of(walk.next()).value, node);
  }
  EXPECT_EQ(walk.next(), kUnranked);
}

TEST(Ranked, ComparesByKeyThenByNode) {
  EXPECT_LT(ranked(0, NodeId{9}), ranked(1e-30, NodeId{0}));
  EXPECT_LT(ranked(0.1, NodeId{9}), ranked(0.2, NodeId{0}));
  EXPECT_LT(ranked(0.1, NodeId{1}), ranked(0.1, NodeId{2}));
  EXPECT_LT(ranked(1e300, NodeId{0xfffffffe}), kUnranked);
}

// One random mutation of a fleet with these models.
void mutate(Fleet& fleet, Random& random, const RandomFleetOptions& options,
            std::vector<std::vector<double>>& outstanding) {
  const NodeId node{static_cast<std::uint32_t>(random.below(options.nodes))};
  const VariantId variant{
      static_cast<std::uint32_t>(random.below(options.models * kVariantsPerModel))};
  if (!fleet.has_node(node)) {
    fleet.put_node(node, random_node(random, node.value, options.nodes));
    outstanding[node.value].clear();
    return;
  }
  std::vector<double>& attempts = outstanding[node.value];
  switch (random.below(9)) {
    case 0:
      fleet.put_node(node, random_node(random, node.value, options.nodes));
      break;
    case 1:
      fleet.remove_node(node);
      break;
    case 2:
      fleet.set_availability(node, static_cast<Availability>(random.below(3)));
      break;
    case 3:
      fleet.set_capacity(node, static_cast<std::uint32_t>(random.below(6)));
      break;
    case 4:
      fleet.set_resident(node, {&variant, random.below(2)});
      break;
    case 5:
      fleet.observe_link(node, random.uniform(0, 0.1), random.uniform(1e5, 1e7));
      break;
    case 6:
      attempts.push_back(random.uniform(0, 1));
      fleet.assigned(node, attempts.back());
      break;
    case 7:
      if (!attempts.empty()) {
        fleet.released(node, attempts.back());
        attempts.pop_back();
      }
      break;
    default:
      fleet.observe_service(node, variant, random.uniform(0, 1));
  }
}

bool is_placeable(const Fleet& fleet, NodeId node) {
  return fleet.availability(node) == Availability::kReady &&
         fleet.load(node).outstanding < fleet.load(node).capacity;
}

// What an order must hold: the placeable nodes of a group, by their keys.
template <typename Member>
std::vector<Ranked> expected(const Fleet& fleet, OrderKind kind, Member&& member) {
  std::vector<Ranked> entries;
  for (const NodeId node : fleet.nodes()) {
    if (is_placeable(fleet, node) && member(node)) {
      entries.push_back(fleet.index().key(node, kind));
    }
  }
  std::ranges::sort(entries);
  return entries;
}

bool has_model(const Fleet& fleet, NodeId node, ModelId model) {
  return std::ranges::any_of(fleet.model(model).variants,
                             [&](VariantId variant) { return fleet.resident(node, variant); });
}

void expect_consistent(const Fleet& fleet, const RandomFleetOptions& options) {
  const Fleet::Index& index = fleet.index();
  for (std::size_t i = 0; i < kOrders; ++i) {
    const auto kind = static_cast<OrderKind>(i);
    for (const Tier tier : {Tier::kDevice, Tier::kEdge, Tier::kCloud}) {
      const Order* order = index.tier_order(tier, kind);
      EXPECT_EQ(order == nullptr ? std::vector<Ranked>() : read(*order),
                expected(fleet, kind, [&](NodeId node) { return fleet.node(node).tier == tier; }));
    }
    for (std::uint32_t model = 0; model < options.models; ++model) {
      for (const Tier tier : {Tier::kDevice, Tier::kEdge, Tier::kCloud}) {
        const Order* order = index.model_order({model}, tier, kind);
        EXPECT_EQ(order == nullptr ? std::vector<Ranked>() : read(*order),
                  expected(fleet, kind, [&](NodeId node) {
                    return fleet.node(node).tier == tier && has_model(fleet, node, {model});
                  }));
      }
    }
  }
  const std::vector<NodeId> nodes = fleet.nodes();
  EXPECT_EQ(index.placeable_count(),
            std::ranges::count_if(nodes, [&](NodeId n) { return is_placeable(fleet, n); }));
  for (const NodeId node : nodes) {
    const NodeSpec& spec = fleet.node(node);
    EXPECT_EQ(std::ranges::count(index.roster.at_site(spec.site), node), 1);
    for (const auto& [key, value] : spec.labels) {
      EXPECT_EQ(std::ranges::count(index.roster.labelled(key, value), node), 1);
    }
  }
  std::size_t listed = 0;
  for (const std::string_view zone : {"a", "b", "c", "d"}) {
    listed += index.roster.labelled("zone", zone).size();
  }
  EXPECT_EQ(listed, nodes.size()) << "who left is not listed";
}

TEST(Index, StaysConsistentOverRandomMutations) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    const RandomFleetOptions options{.nodes = 25, .models = 4};
    Fleet fleet = random_fleet(random, options);
    std::vector<std::vector<double>> outstanding(options.nodes);
    for (const NodeId node : fleet.nodes()) {
      // The fleet came with a load of its own: take note of it as attempts to be released.
      outstanding[node.value].assign(fleet.load(node).outstanding, 0.0);
    }
    for (int step = 0; step < 400; ++step) {
      mutate(fleet, random, options, outstanding);
      if (step % 40 == 0) {
        expect_consistent(fleet, options);
      }
    }
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

TEST(Index, TheRotationVisitsEveryPlaceableNodeInTurn) {
  Fleet fleet;
  put_digits(fleet);
  for (std::uint32_t i = 0; i < 200; i += 3) {
    put_ready(fleet, NodeId{i}, plain_node(fmt::format("n{}", i)));
    fleet.set_capacity(NodeId{i}, 1000);
  }
  fleet.set_availability(NodeId{63}, Availability::kCordoned);
  std::vector<std::uint32_t> seen;
  for (int i = 0; i < 66; ++i) {
    seen.push_back(fleet.index().placeable_from(fleet.index().turn()).value);
    fleet.assigned(NodeId{0}, 0.1);
  }
  std::ranges::sort(seen);
  EXPECT_EQ(std::ranges::unique(seen).size(), 0U) << "no node twice";
  EXPECT_FALSE(std::ranges::binary_search(seen, 63U));
}

}  // namespace
}  // namespace skerry::scheduler
