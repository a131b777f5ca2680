#include "common/process_memory.h"

#include <unistd.h>

#include <fstream>

namespace skerry {

std::uint64_t resident_bytes(const std::string& process) {
  std::ifstream statm("/proc/" + process + "/statm");
  std::uint64_t mapped = 0;
  std::uint64_t resident = 0;  // in pages
  statm >> mapped >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace skerry
