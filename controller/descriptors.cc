#include "controller/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace skerry::controller {

namespace {

constexpr std::size_t kForOthers = 8192;  // 4,096 streams of agents, their transfers, the store

}  // namespace

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 1024;
  }
  const rlim_t soft = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return soft;
  }
  return limit.rlim_cur;
}

std::size_t connections_within(std::size_t descriptors, std::size_t wanted) {
  const std::size_t others = std::min(kForOthers, descriptors / 2);
  return std::min(wanted, descriptors - others);
}

}  // namespace skerry::controller
