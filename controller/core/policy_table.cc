#include "controller/core/policy_table.h"

#include <algorithm>
#include <set>

#include "scheduler/policy.h"

namespace skerry::core {

namespace {
constexpr std::string_view kBuiltinVersion = "1";
}  // namespace

bool is_builtin(std::string_view name) {
  return std::ranges::find(scheduler::heuristic_names(), name) !=
         scheduler::heuristic_names().end();
}

std::optional<PolicyRef> PolicyTable::find(std::string_view name) const {
  if (is_builtin(name)) {
    return PolicyRef{std::string(name), std::string(kBuiltinVersion)};
  }
  const PolicyRef* newest = nullptr;
  std::uint64_t number = 0;
  for (auto it = bundles_.lower_bound({std::string(name), ""});
       it != bundles_.end() && it->first.name == name; ++it) {
    if (newest == nullptr || it->second.number > number) {
      newest = &it->first;
      number = it->second.number;
    }
  }
  return newest == nullptr ? std::nullopt : std::optional(*newest);
}

const HeldBundle* PolicyTable::bundle(const PolicyRef& ref) const {
  const auto found = bundles_.find(ref);
  return found == bundles_.end() ? nullptr : &found->second;
}

std::size_t PolicyTable::names() const {
  std::set<std::string_view> names;
  for (const auto& [ref, held] : bundles_) {
    names.insert(ref.name);
  }
  return names.size();
}

void PolicyTable::put(const PolicyRef& ref, HeldBundle bundle) {
  last_number = std::max(last_number, bundle.number);
  bundles_.insert_or_assign(ref, std::move(bundle));
}

std::vector<PolicyRef> PolicyTable::unneeded() const {
  std::vector<PolicyRef> found;
  for (const auto& [ref, held] : bundles_) {
    const bool used = ref == active || ref == previous || ref == find(ref.name) ||
                      std::ranges::find(shadows, ref, &ShadowEntry::ref) != shadows.end();
    if (!used) {
      found.push_back(ref);
    }
  }
  return found;
}

bool PolicyTable::is_shadow(std::string_view name) const {
  return std::ranges::any_of(shadows,
                             [&](const ShadowEntry& shadow) { return shadow.ref.name == name; });
}

ShadowEntry* PolicyTable::shadow(std::uint64_t serial) {
  const auto found = std::ranges::find(shadows, serial, &ShadowEntry::serial);
  return found == shadows.end() ? nullptr : &*found;
}

}  // namespace skerry::core
