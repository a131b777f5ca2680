// roster.h: which nodes are at a site or carry a label, for constraints that name one.
//
// Entering and leaving cost O(nodes of the site and the labels); they happen when an agent declares
// itself, not when it works.

#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/fleet.h"

namespace skerry::scheduler {

class Roster {
 public:
  void enter(NodeId id, const NodeSpec& spec);
  void leave(NodeId id, const NodeSpec& spec);  // the one that it entered with

  // In no particular order; valid until the next change.
  std::span<const NodeId> at_site(std::string_view site) const;
  std::span<const NodeId> labelled(std::string_view key, std::string_view value) const;

 private:
  using Nodes = std::vector<NodeId>;
  using ByName = std::map<std::string, Nodes, std::less<>>;
  ByName sites_;
  std::map<std::string, ByName, std::less<>> labels_;  // by key, then value
};

}  // namespace skerry::scheduler
