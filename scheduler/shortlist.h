// shortlist.h: picks the few nodes that a decision looks at closely.
//
// The index keeps nodes in several orders (index.h). A shortlist takes the best of each in turns,
// until it has kShortlistNodes: of the nodes where the model is resident, and, with fewer turns, of
// all nodes of the tiers asked for. Orders have more turns the more the task's preference cares for
// what they are about. Two places go to a rotation over all nodes and one to the shortest queue,
// whatever the preference. Nodes that take no work of this task are passed over; an order that
// keeps yielding such nodes is given up.
//
// Deterministic: the same task and fleet always yield the same nodes. Nothing is allocated once
// buffers have grown.

#pragma once

#include <array>
#include <span>
#include <vector>

#include "scheduler/eligibility.h"
#include "scheduler/index.h"
#include "scheduler/place.h"

namespace skerry::scheduler {

class Shortlist {
 public:
  // Picks from the index. Nodes that were passed over count in `masked`, once for each variant.
  void gather(const TaskView& task, const Fleet& fleet, const Eligibility& eligibility,
              MaskCounts& masked);
  // Picks from the given nodes, all of which are eligible.
  void pick(const TaskView& task, const Fleet& fleet, std::span<const NodeId> from);

  std::span<const NodeId> nodes() const { return nodes_; }  // ascending
  // True if looking was given up: there may be eligible nodes that were not seen.
  bool incomplete() const { return incomplete_; }

 private:
  // An order to take nodes from, as a walk over the index or as a sorted list.
  struct Source {
    OrderKind kind = OrderKind::kQueue;
    bool resident = false;  // nodes with the model resident, else any
    double stride = 1;      // the smaller, the more turns
    double next_turn = 0;
    OrderWalk walk;
    std::vector<Ranked> list;
    std::size_t list_next = 0;
  };
  static constexpr std::size_t kMaxSources = 20;

  void plan_sources(const TaskView& task, const Fleet& fleet);
  void add_source(OrderKind kind, bool resident, double weight);
  void start_walks(const TaskView& task, const Fleet& fleet, const Eligibility& eligibility);
  Source* next_source();  // nullptr when all are exhausted
  bool take(NodeId id);   // false if seen before
  void take_rotating(const Fleet& fleet, const Eligibility& eligibility);
  void forget_seen(const Fleet& fleet);

  std::array<Source, kMaxSources> sources_;
  std::size_t source_count_ = 0;
  std::vector<NodeId> nodes_;
  std::vector<std::uint32_t> seen_;  // by node: the number of the shortlist that last saw it
  std::uint32_t round_ = 0;
  bool incomplete_ = false;
};

// Counts why each variant of the task's model is masked on a node that takes none of them.
void count_masked(const Eligibility& eligibility, NodeId node, MaskCounts& masked);

}  // namespace skerry::scheduler
