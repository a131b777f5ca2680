// cpu_limit.h: how much processor time each runner gets, and by which means the kernel is made to
// keep to it.
//
// The share is of each of a runner's threads: threads 2, share 0.5 is one processor's worth of
// time. Means, the best that this machine offers; method() says which, and the agent tells it to
// the controller:
//
//   none      share is 1: only threads and processors bound a runner
//   cgroup2   a control group per runner below the agent's own, cpu.max
//   cgroup1   the same with version 1, cpu.cfs_quota_us
//   sigstop   no writable control group (a plain container): the agent watches each busy runner's
//   processor time every
//             10 ms and stops the process (SIGSTOP) while it is ahead of its share. A real limit on
//             the average, coarser than the kernel's.
//
// Blocking, but only on the kernel's own file systems.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/time.h"

namespace skerry::agent {

struct CpuOptions {
  std::uint32_t threads = 1;  // of one forward
  double share = 1;           // of each thread, 0..1
  std::vector<int> affinity;  // processors; empty = any
};

class CpuLimit {
 public:
  enum class Method : std::uint8_t { kNone, kCgroup2, kCgroup1, kSigstop };

  // Finds out what works by trying.
  static CpuLimit detect(const CpuOptions& options);
  // With a method and a directory given; for tests.
  CpuLimit(CpuOptions options, Method method, std::string parent);

  Method method() const { return method_; }
  std::string_view method_name() const;
  double quota() const { return options_.share * options_.threads; }  // in processors

  // The group of a new runner, limited: the file to join it by; empty if groups are not used.
  Result<std::string> make_group(std::uint64_t runner);
  void remove_group(std::uint64_t runner);  // after its processes are gone

 private:
  CpuOptions options_;
  Method method_;
  std::string parent_;
};

// The stop-and-go decision of `sigstop` for one process: it may use `quota` processors on average;
// what it did not use is kept for a tenth of a second at most.
class DutyCycle {
 public:
  DutyCycle(double quota, Instant now, Duration used)
      : quota_(quota), last_(now), last_used_(used) {}

  // Given the processor time it has used in all: whether it must stand still until the next look.
  bool must_stop(Instant now, Duration used);

 private:
  double quota_;
  Instant last_;
  Duration last_used_;
  double credit_us_ = 0;
};

}  // namespace skerry::agent
