#include "agent/cpu_limit.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "agent/control_groups.h"

namespace skerry::agent {
namespace {

// Short, so that a throttled forward is slowed evenly; the kernel's least quota is 1 ms.
constexpr std::int64_t kPeriodUs = 10'000;
constexpr std::int64_t kLongPeriodUs = 100'000;
constexpr std::int64_t kLeastQuotaUs = 1'000;
constexpr double kMostCreditUs = 100'000;

bool works(const CpuOptions& options, CpuLimit::Method method, const std::string& parent) {
  CpuLimit trial(options, method, parent);
  const bool made = trial.make_group(0).has_value();
  trial.remove_group(0);
  return made;
}

}  // namespace

CpuLimit::CpuLimit(CpuOptions options, Method method, std::string parent)
    : options_(std::move(options)), method_(method), parent_(std::move(parent)) {}

CpuLimit CpuLimit::detect(const CpuOptions& options) {
  if (options.share >= 1) {
    return {options, Method::kNone, ""};
  }
  const auto two = group_parent_v2("cpu");
  if (two && works(options, Method::kCgroup2, two->path)) {
    remove_leftover_groups(two->path);
    return {options, Method::kCgroup2, two->path};
  }
  const auto one = group_parent_v1("cpu");
  if (one && works(options, Method::kCgroup1, one->path)) {
    remove_leftover_groups(one->path);
    return {options, Method::kCgroup1, one->path};
  }
  return {options, Method::kSigstop, ""};
}

std::string_view CpuLimit::method_name() const {
  switch (method_) {
    case Method::kNone:
      return "none";
    case Method::kCgroup2:
      return "cgroup2";
    case Method::kCgroup1:
      return "cgroup1";
    case Method::kSigstop:
      return "sigstop";
  }
  return "none";
}

Result<std::string> CpuLimit::make_group(std::uint64_t runner) {
  if (method_ != Method::kCgroup2 && method_ != Method::kCgroup1) {
    return std::string();
  }
  const std::string group = runner_group(parent_, runner);
  const double quota_us = quota() * static_cast<double>(kPeriodUs);
  const std::int64_t period_us =
      quota_us < static_cast<double>(kLeastQuotaUs) ? kLongPeriodUs : kPeriodUs;
  const std::int64_t allowed_us = std::max(std::llround(quota() * static_cast<double>(period_us)),
                                           static_cast<long long>(kLeastQuotaUs));
  bool limited = ::mkdir(group.c_str(), 0755) == 0 || errno == EEXIST;
  if (method_ == Method::kCgroup2) {
    limited =
        limited && write_control(group + "/cpu.max", fmt::format("{} {}", allowed_us, period_us));
  } else {
    limited = limited &&
              write_control(group + "/cpu.cfs_period_us", fmt::format("{}", period_us)) &&
              write_control(group + "/cpu.cfs_quota_us", fmt::format("{}", allowed_us));
  }
  if (!limited) {
    return fail(ErrorCode::kIo,
                fmt::format("cannot limit the control group {}: {}", group, std::strerror(errno)));
  }
  return group + "/cgroup.procs";
}

void CpuLimit::remove_group(std::uint64_t runner) {
  if (method_ == Method::kCgroup2 || method_ == Method::kCgroup1) {
    ::rmdir(runner_group(parent_, runner).c_str());
  }
}

bool DutyCycle::must_stop(Instant now, Duration used) {
  const double earned_us = quota_ * static_cast<double>((now - last_).count());
  const double spent_us = static_cast<double>((used - last_used_).count());
  credit_us_ = std::min(credit_us_ + earned_us - spent_us, kMostCreditUs);
  last_ = now;
  last_used_ = used;
  return credit_us_ < 0;
}

}  // namespace skerry::agent
