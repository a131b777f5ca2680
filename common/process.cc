#include "common/process.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace skerry {

void keep_secrets() {
  constexpr mode_t kOthers = 077;
  ::umask(kOthers);
  // A limit of 1 byte: of 0 the kernel takes no notice where a program collects dumps (core(5)).
  const rlimit none{.rlim_cur = 1, .rlim_max = 1};
  ::setrlimit(RLIMIT_CORE, &none);
}

Status become_owner_of(const std::string& folder) {
  struct stat facts{};
  if (::geteuid() != 0 || ::stat(folder.c_str(), &facts) != 0 || facts.st_uid == 0) {
    return {};
  }
  if (::setgroups(0, nullptr) != 0 || ::setgid(facts.st_gid) != 0 || ::setuid(facts.st_uid) != 0) {
    return fail(ErrorCode::kIo, fmt::format("cannot become user {}, whose {} is: {}", facts.st_uid,
                                            folder, std::strerror(errno)));
  }
  return {};
}

}  // namespace skerry
