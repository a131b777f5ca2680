// policy_table.h: which policies the controller holds, and what each is used for.
//
// Heuristics are built in, with version "1". A bundle is known by name and version (the checksum of
// its weights); of each name the newest is what commands mean, and older ones are kept as long as
// they are active, previous or shadows. So applying a bundle changes no decision, and a rollback
// finds what was there before.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.h"
#include "controller/core/records.h"
#include "controller/core/shadow_stats.h"

namespace skerry::core {

constexpr std::size_t kMaxShadows = 8;
constexpr std::size_t kMaxBundleNames = 32;

bool is_builtin(std::string_view name);

struct HeldBundle {
  std::uint64_t number = 0;  // grows with every application; the newest of a name counts
  Instant applied_at{};
  std::shared_ptr<const std::string> bytes;
  bool offered = false;  // it came with the controller, not from an operator
};

struct ShadowEntry {
  PolicyRef ref;
  std::uint64_t serial = 0;  // never used again, so that late outcomes find the right one
  ShadowStats stats;
};

class PolicyTable {
 public:
  // The newest of that name; nullopt if there is none.
  std::optional<PolicyRef> find(std::string_view name) const;
  const HeldBundle* bundle(const PolicyRef& ref) const;  // nullptr: built in, or unknown
  const std::map<PolicyRef, HeldBundle>& bundles() const { return bundles_; }
  std::size_t names() const;

  void put(const PolicyRef& ref, HeldBundle bundle);
  void erase(const PolicyRef& ref) { bundles_.erase(ref); }
  // Those that are neither newest of their name nor used for anything.
  std::vector<PolicyRef> unneeded() const;

  bool is_shadow(std::string_view name) const;
  ShadowEntry* shadow(std::uint64_t serial);

  PolicyRef active;
  std::optional<PolicyRef> previous;  // what a rollback goes back to
  std::vector<ShadowEntry> shadows;   // as in Ranking, in the same order
  bool operator_chose = false;        // else the active one came by configuration or by default
  std::uint64_t last_number = 0;
  std::uint64_t last_serial = 0;
  std::uint64_t activation = 0;       // grows with every policy that becomes active
  std::uint64_t breaker_changes = 0;  // of the active one's, as far as they were told

 private:
  std::map<PolicyRef, HeldBundle> bundles_;
};

}  // namespace skerry::core
