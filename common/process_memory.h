// process_memory.h: how much memory a process holds, as the kernel says. Any thread.

#pragma once

#include <cstdint>
#include <string>

namespace skerry {

// Of a process by its number, or of this one. 0 if it is gone, or /proc does not say.
std::uint64_t resident_bytes(const std::string& process = "self");

}  // namespace skerry
