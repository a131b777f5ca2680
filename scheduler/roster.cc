#include "scheduler/roster.h"

namespace skerry::scheduler {

void Roster::enter(NodeId id, const NodeSpec& spec) {
  sites_[spec.site].push_back(id);
  for (const auto& [key, value] : spec.labels) {
    labels_[key][value].push_back(id);
  }
}

void Roster::leave(NodeId id, const NodeSpec& spec) {
  std::erase(sites_.at(spec.site), id);
  for (const auto& [key, value] : spec.labels) {
    std::erase(labels_.at(key).at(value), id);
  }
}

std::span<const NodeId> Roster::at_site(std::string_view site) const {
  const auto found = sites_.find(site);
  return found == sites_.end() ? std::span<const NodeId>() : found->second;
}

std::span<const NodeId> Roster::labelled(std::string_view key, std::string_view value) const {
  const auto values = labels_.find(key);
  if (values == labels_.end()) {
    return {};
  }
  const auto found = values->second.find(value);
  return found == values->second.end() ? std::span<const NodeId>() : found->second;
}

}  // namespace skerry::scheduler
