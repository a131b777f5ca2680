// index.h: where a decision finds good nodes without looking at the whole fleet.
//
// Nodes stand in groups: one per tier, and one per tier and model that is resident on them. Each
// group keeps its placeable nodes (ready and with credit) in several orders at once; shortlist.h
// takes the best few of each. Sites and labels, which tend to be selective, have plain lists
// (roster.h). Fleet's mutators keep all of it current: one node's change costs
// O(groups of the node x orders x log nodes).

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/fleet.h"
#include "scheduler/order.h"
#include "scheduler/roster.h"

namespace skerry::scheduler {

constexpr std::size_t kTiers = 3;

// What the orders are made of. "Reference second": work that takes the reference core one second.
struct NodeFacts {
  Tier tier = Tier::kEdge;
  bool placeable = false;
  std::uint32_t site = 0;     // number of the site's name
  std::uint64_t engines = 0;  // bits of the engines' numbers
  double wait_s = 0;
  double rtt_s = 0;
  double seconds_per_byte = 0;
  double seconds_per_reference_s = 1;  // as declared and corrected by what was measured there
  double joules_per_reference_s = 0;
  double joules_per_byte = 0;
  double usd_per_reference_s = 0;
  double queue = 0;  // outstanding attempts per slot
};

// What a node is good at. Latency is of waiting, the round trip and some work; energy and cost are
// per reference second. The "input" kinds count 1 MB of input as well. Products find the nodes that
// are good in several ways at once: they weigh ratios, so they need to know nothing of the scale on
// which a decision will weigh them. The set was chosen by how much regret it leaves (shortlist.h).
enum class OrderKind : std::uint8_t {
  kLightLatency,  // 1 ms of reference work
  kLatency,       // 30 ms
  kHeavyLatency,  // 1 s
  kInputLatency,  // 30 ms
  kEnergy,
  kInputEnergy,  // of 30 ms
  kCost,
  kThrift,           // latency x energy x cost
  kInputThrift,      //
  kGreenSpeed,       // latency x energy^2
  kInputGreenSpeed,  //
  kCheapSpeed,       // latency x cost
  kFrugal,           // energy x cost
  kQueue,            // outstanding attempts per slot
};
constexpr std::size_t kOrders = 14;

// Gives names small numbers, in order of first use, and never takes them back.
class Numbering {
 public:
  std::uint32_t number(const std::string& name) {
    return numbers_.try_emplace(name, static_cast<std::uint32_t>(numbers_.size())).first->second;
  }
  std::optional<std::uint32_t> find(std::string_view name) const {
    const auto found = numbers_.find(name);
    return found == numbers_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
};

// A set of engines as bits. Names beyond the 63rd share the last bit, and are to be compared by
// name then.
constexpr std::uint64_t kOtherEngines = std::uint64_t{1} << 63;
inline std::uint64_t engine_bit(std::uint32_t number) {
  return number < 63 ? std::uint64_t{1} << number : kOtherEngines;
}

class Fleet::Index {
 public:
  using Keys = std::array<Ranked, kOrders>;

  Numbering sites;
  Numbering engines;
  Roster roster;

  // By Fleet. put adds a node or refreshes what is known of it; set_models says of which models
  // a variant is resident there (sorted, no repeats).
  void put(NodeId id, const NodeFacts& facts);
  void set_models(NodeId id, std::span<const ModelId> models);
  void remove(NodeId id);
  void rotate();  // the next placeable node becomes the turn's

  // Reading. Orders hold placeable nodes only; nullptr if there is no such group.
  const Order* tier_order(Tier tier, OrderKind kind) const;
  const Order* model_order(ModelId model, Tier tier, OrderKind kind) const;  // resident there
  const NodeFacts& facts(NodeId id) const { return cards_[id.value].facts; }
  Ranked key(NodeId id, OrderKind kind) const {
    return cards_[id.value].keys[static_cast<std::size_t>(kind)];
  }
  bool has_model(NodeId id, ModelId model) const;  // some variant of it is resident there
  std::size_t placeable_count() const { return placeable_count_; }
  // The first placeable node with this id or a larger one, else the first of all; kNoNode if none
  // is placeable.
  NodeId placeable_from(std::uint32_t id) const;
  std::uint32_t turn() const { return turn_; }  // where a fair rotation over the nodes stands

  static constexpr NodeId kNoNode{0xffffffff};

 private:
  struct Group {
    std::array<Order, kOrders> orders;
    std::vector<std::uint32_t> free_slots;
    std::uint32_t slots = 0;
  };
  struct Membership {
    Group* group;
    std::uint32_t slot;
  };
  struct Card {
    bool present = false;
    NodeFacts facts;
    Keys keys;  // kUnranked unless placeable
    Membership tier;
    std::vector<Membership> by_model;  // parallel to models
    std::vector<ModelId> models;
  };

  Group& group_of(std::deque<Group>& groups, std::size_t number);
  Membership join(Group& group, const Keys& keys);
  void leave(const Membership& membership);
  void mark_placeable(NodeId id, bool placeable);

  std::deque<Group> tiers_, models_;      // deques: groups never move
  std::vector<Card> cards_;               // by node
  std::vector<std::uint64_t> placeable_;  // a bit per node
  std::size_t placeable_count_ = 0;
  std::uint32_t turn_ = 0;
};

}  // namespace skerry::scheduler
