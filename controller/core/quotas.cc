#include "controller/core/quotas.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/check.h"

namespace skerry::core {

namespace {

constexpr int kLooksPerAccount = 2;  // more than one, so that idle accounts do not pile up
constexpr double kRounding = 1e-6;   // of a job; so that who waits as long as told is admitted

double burst_of(const Quota& quota) {
  return quota.burst_jobs > 0 ? static_cast<double>(quota.burst_jobs)
                              : std::max(1.0, quota.jobs_per_s);
}

double refilled(double allowance, Instant since, const Quota& quota, Instant now) {
  const double more = quota.jobs_per_s * to_seconds(std::max(now - since, Duration(0)));
  return std::min(burst_of(quota), allowance + more);
}

// Rounded up, so that it is enough.
Duration time_for(double jobs, const Quota& quota) {
  return duration_from_seconds(std::ceil(jobs / quota.jobs_per_s * 1e6 - kRounding) * 1e-6);
}

std::unexpected<Error> refuse(ErrorCode code, std::string message, Duration retry_after = {}) {
  Error error{code, std::move(message)};
  error.retry_after = retry_after;
  return std::unexpected(std::move(error));
}

bool over(std::uint64_t has, std::uint64_t more, std::uint64_t limit) {
  return limit > 0 && (more > limit || has > limit - more);
}

std::string too_much_stored(std::string_view ns, const Quota& quota, const Quotas::Use& has,
                            std::uint64_t more) {
  return fmt::format(
      "namespace '{}' may keep {} bytes and keeps {} ({} of inputs, {} of results, {} of "
      "models); these would be {} more",
      ns, quota.max_stored_bytes, has.stored_bytes(), has.input_bytes, has.output_bytes,
      has.artifact_bytes, more);
}

// Of a count that may not go below zero.
void take(std::uint64_t& count, std::uint64_t less) {
  check(count >= less, "a namespace gives back no more than it had");
  count -= less;
}

}  // namespace

Quotas::Account& Quotas::account(std::string_view ns) {
  const auto found = accounts_.find(ns);
  if (found != accounts_.end()) {
    return found->second;
  }
  return accounts_.try_emplace(std::string(ns)).first->second;
}

Status Quotas::admit(std::string_view ns, std::uint64_t jobs, std::uint64_t input_bytes,
                     Instant now) {
  const Quota& quota = settings_.of(ns);
  const Use has = use(ns);
  if (over(has.open_jobs, jobs, quota.max_open_jobs)) {
    return refuse(ErrorCode::kQuotaOpenJobs,
                  fmt::format("namespace '{}' may have {} open jobs and has {}; these would be {} "
                              "more",
                              ns, quota.max_open_jobs, has.open_jobs, jobs));
  }
  if (over(has.input_bytes, input_bytes, quota.max_input_bytes)) {
    return refuse(ErrorCode::kQuotaInputBytes,
                  fmt::format("the inputs of namespace '{}' may have {} bytes while their jobs are "
                              "open and have {}; these would be {} more",
                              ns, quota.max_input_bytes, has.input_bytes, input_bytes));
  }
  if (over(has.stored_bytes(), input_bytes, quota.max_stored_bytes)) {
    return refuse(ErrorCode::kQuotaStoredBytes, too_much_stored(ns, quota, has, input_bytes));
  }
  return quota.jobs_per_s > 0 ? take_allowance(ns, quota, jobs, now) : Status();
}

Status Quotas::take_allowance(std::string_view ns, const Quota& quota, std::uint64_t jobs,
                              Instant now) {
  const double burst = burst_of(quota);
  if (!accounts_.contains(ns)) {
    drop_some_idle(now);
    account(ns) = {.use = {}, .allowance = burst, .allowance_at = now};
  }
  Account& has = account(ns);
  has.allowance = refilled(has.allowance, has.allowance_at, quota, now);
  has.allowance_at = std::max(now, has.allowance_at);
  const double needed = std::min(static_cast<double>(jobs), burst);
  if (has.allowance + kRounding < needed) {
    return refuse(ErrorCode::kQuotaRate,
                  fmt::format("namespace '{}' may submit {:g} jobs a second, {:g} at once", ns,
                              quota.jobs_per_s, burst),
                  time_for(needed - has.allowance, quota));
  }
  has.allowance -= static_cast<double>(jobs);
  return {};
}

// Two names further round at each new one.
void Quotas::drop_some_idle(Instant now) {
  for (int i = 0; i < kLooksPerAccount && !accounts_.empty(); ++i) {
    auto it = accounts_.upper_bound(looked_at_);
    if (it == accounts_.end()) {
      it = accounts_.begin();
    }
    looked_at_ = it->first;
    const Quota& quota = settings_.of(it->first);
    if (it->second.use == Use{} &&
        refilled(it->second.allowance, it->second.allowance_at, quota, now) >= burst_of(quota)) {
      accounts_.erase(it);
    }
  }
}

void Quotas::opened(std::string_view ns, std::uint64_t input_bytes) {
  Account& has = account(ns);
  ++has.use.open_jobs;
  has.use.input_bytes += input_bytes;
}

void Quotas::closed(std::string_view ns, std::uint64_t input_bytes) {
  const auto found = accounts_.find(ns);
  check(found != accounts_.end() && found->second.use.open_jobs > 0 &&
            found->second.use.input_bytes >= input_bytes,
        "a namespace closes what it opened");
  --found->second.use.open_jobs;
  found->second.use.input_bytes -= input_bytes;
  drop_if_idle(ns);
}

void Quotas::drop_if_idle(std::string_view ns) {
  const auto found = accounts_.find(ns);
  if (found != accounts_.end() && found->second.use == Use{} && settings_.of(ns).jobs_per_s == 0) {
    accounts_.erase(found);
  }
}

void Quotas::kept_output(std::string_view ns, std::uint64_t bytes) {
  if (bytes > 0) {
    account(ns).use.output_bytes += bytes;
  }
}
void Quotas::dropped_output(std::string_view ns, std::uint64_t bytes) {
  if (bytes > 0) {
    take(account(ns).use.output_bytes, bytes);
    drop_if_idle(ns);
  }
}
void Quotas::kept_artifacts(std::string_view ns, std::uint64_t bytes) {
  if (bytes > 0) {
    account(ns).use.artifact_bytes += bytes;
  }
}
void Quotas::dropped_artifacts(std::string_view ns, std::uint64_t bytes) {
  if (bytes > 0) {
    take(account(ns).use.artifact_bytes, bytes);
    drop_if_idle(ns);
  }
}

Status Quotas::admit_artifacts(std::string_view ns, std::uint64_t bytes,
                               std::uint64_t instead_of) const {
  const Quota& quota = settings_.of(ns);
  const Use has = use(ns);
  if (bytes <= instead_of ||
      !over(has.stored_bytes(), bytes - instead_of, quota.max_stored_bytes)) {
    return {};
  }
  return refuse(ErrorCode::kQuotaStoredBytes, too_much_stored(ns, quota, has, bytes - instead_of));
}

void Quotas::runs(std::string_view ns) { ++account(ns).use.running; }

void Quotas::rests(std::string_view ns) {
  const auto found = accounts_.find(ns);
  check(found != accounts_.end() && found->second.use.running > 0,
        "what rests has run in its namespace");
  --found->second.use.running;
}

bool Quotas::is_full(std::string_view ns) const {
  const Quota& quota = settings_.of(ns);
  const std::uint64_t running = use(ns).running;
  const double share = std::max(1.0, std::floor(quota.max_share * static_cast<double>(slots_)));
  return (quota.max_running > 0 && running >= quota.max_running) ||
         (quota.max_share > 0 && static_cast<double>(running) >= share);
}

std::vector<std::string> Quotas::with_share() const {
  std::vector<std::string> names;
  for (const auto& [ns, account] : accounts_) {
    if (settings_.of(ns).max_share > 0) {
      names.push_back(ns);
    }
  }
  return names;
}

Quotas::Use Quotas::use(std::string_view ns) const {
  const auto found = accounts_.find(ns);
  return found == accounts_.end() ? Use{} : found->second.use;
}

}  // namespace skerry::core
