// quotas.h: what each namespace has of the controller, and whether it may have more.
//
// Counts are of what is there now, so restore() rebuilds them by counting again. The allowance of
// submits (a token bucket) is not stored: a restarted controller begins with it full. A batch of
// more jobs than the burst is taken when the allowance is full, and paid off afterwards.
//
// An account is kept while its namespace has open jobs or an allowance that is not full again;
// idle ones are looked for as new ones are made, so that names that clients invent cost nothing
// for long.
//
// Pure; owned by State.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/time.h"
#include "controller/core/settings.h"

namespace skerry::core {

class Quotas {
 public:
  struct Use {
    std::uint64_t open_jobs = 0;
    std::uint64_t running = 0;
    std::uint64_t input_bytes = 0;     // of open jobs
    std::uint64_t output_bytes = 0;    // of ended jobs that are remembered
    std::uint64_t artifact_bytes = 0;  // of its models

    std::uint64_t stored_bytes() const { return input_bytes + output_bytes + artifact_bytes; }
    bool operator==(const Use&) const = default;
  };

  explicit Quotas(QuotaSettings settings) : settings_(std::move(settings)) {}

  // Whether a namespace may submit so much more; takes it off the allowance of submits if it may. An
  // error names the quota by its code, and says when to come back if that is known.
  Status admit(std::string_view ns, std::uint64_t jobs, std::uint64_t input_bytes, Instant now);

  void opened(std::string_view ns, std::uint64_t input_bytes);
  void closed(std::string_view ns, std::uint64_t input_bytes);
  // Results that are kept, or no more; likewise artifacts of its models.
  void kept_output(std::string_view ns, std::uint64_t bytes);
  void dropped_output(std::string_view ns, std::uint64_t bytes);
  void kept_artifacts(std::string_view ns, std::uint64_t bytes);
  void dropped_artifacts(std::string_view ns, std::uint64_t bytes);
  // Whether a model of it may have artifacts of so many bytes instead of so many.
  Status admit_artifacts(std::string_view ns, std::uint64_t bytes, std::uint64_t instead_of) const;
  void runs(std::string_view ns);
  void rests(std::string_view ns);

  // Of all nodes that are there, for shares of them.
  void set_slots(std::uint64_t slots) { slots_ = slots; }
  // No more tasks of it may run now.
  bool is_full(std::string_view ns) const;

  Use use(std::string_view ns) const;
  const QuotaSettings& settings() const { return settings_; }
  std::size_t accounts() const { return accounts_.size(); }
  // Those of whose limits one is a share of the slots.
  std::vector<std::string> with_share() const;

 private:
  struct Account {
    Use use;
    double allowance = 0;  // of jobs; below zero while a large batch is paid off
    Instant allowance_at{};
  };
  using Accounts = std::map<std::string, Account, std::less<>>;

  Account& account(std::string_view ns);
  Status take_allowance(std::string_view ns, const Quota& quota, std::uint64_t jobs, Instant now);
  void drop_some_idle(Instant now);

  void drop_if_idle(std::string_view ns);

  QuotaSettings settings_;
  std::uint64_t slots_ = 0;
  Accounts accounts_;
  std::string looked_at_;  // the last name that drop_some_idle() came to
};

}  // namespace skerry::core
