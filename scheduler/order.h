// order.h: nodes in order of a key, kept current one node at a time.
//
// A tournament over the slots of a group: each inner place holds the better of its two children, so
// that a change climbs O(log n) steps (most end early) and reading the k best costs O(k log n).
// Smaller keys come first, ties in order of node id, so the order depends on the keys alone and not
// on how they came about. Nothing is allocated except by grow().

#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include "common/ids.h"

namespace skerry::scheduler {

// A key and its node in one number that compares as (key, node). Keys are >= 0 and kept with a
// float's precision.
using Ranked = std::uint64_t;
constexpr Ranked kUnranked = std::numeric_limits<Ranked>::max();

inline Ranked ranked(double key, NodeId node) {
  // The bits of floats from 0 up compare like the floats. Infinity, the largest key, still ranks
  // before kUnranked.
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(key));
  return (static_cast<Ranked>(bits) << 32) | node.value;
}
inline NodeId node_of(Ranked entry) { return NodeId{static_cast<std::uint32_t>(entry)}; }

class Order {
 public:
  void grow(std::uint32_t slots);  // to at least this many; a power of two; amortised O(1) a slot
  void set(std::uint32_t slot, Ranked entry);  // kUnranked takes the slot out
  Ranked best() const { return tree_[1]; }     // kUnranked if empty

 private:
  friend class OrderWalk;
  std::uint32_t leaves_ = 1;
  std::vector<Ranked> tree_ = {kUnranked,
                               kUnranked};  // 1 is the root, i has the children 2i and 2i + 1
};

// Reads the union of several orders from the best on. The orders must not change meanwhile. Buffers
// are kept by start().
class OrderWalk {
 public:
  void start();
  void add(const Order& order);
  Ranked next();  // kUnranked at the end

 private:
  // A part of an order, of which the best entry is known.
  struct Part {
    const Order* order;
    std::uint32_t place;
  };
  void make_room(std::size_t parts);
  void push(Ranked best, Part part);  // into room that was made

  // Parts are few (some log n for each entry read), so finding the best one by looking at all of
  // them beats keeping a heap. The first size_ places are in use.
  std::vector<Ranked> bests_;
  std::vector<Part> parts_;
  std::size_t size_ = 0;
};

}  // namespace skerry::scheduler
