// process_memory.h: how much memory a process holds, as the kernel says. Any thread.

#pragma once

#include <cstdint>
#include <string>

namespace skerry {

// Of a process by its number, or of this one. 0 if it is gone, or /proc does not say.
std::uint64_t resident_bytes(const std::string& process = "self");

// Of this process, for as long as it lives, even once /proc is out of its sight: holds a descriptor.
class OwnMemory {
 public:
  OwnMemory();
  OwnMemory(const OwnMemory&) = delete;
  OwnMemory& operator=(const OwnMemory&) = delete;
  ~OwnMemory();

  int fd() const { return fd_; }  // what must stay open; -1 if there is no /proc
  std::uint64_t resident_bytes() const;

 private:
  int fd_;
};

}  // namespace skerry
