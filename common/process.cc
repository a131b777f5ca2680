#include "common/process.h"

#include <sys/resource.h>
#include <sys/stat.h>

namespace skerry {

void keep_secrets() {
  constexpr mode_t kOthers = 077;
  ::umask(kOthers);
  // A limit of 1 byte: of 0 the kernel takes no notice where a program collects dumps (core(5)).
  const rlimit none{.rlim_cur = 1, .rlim_max = 1};
  ::setrlimit(RLIMIT_CORE, &none);
}

}  // namespace skerry
