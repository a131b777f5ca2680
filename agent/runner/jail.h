// jail.h: a root directory with almost nothing in it: the runner's libraries and a few facts about the processor,
// read-only; the devices named; /scratch, in memory and of a given size, which is gone with the process.
//
// Call in a mount namespace of the process's own, with the privilege to mount there. On an error the old root may be
// half gone: end the process.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.h"

namespace skerry::runner {

// Absolute; what does not exist is left out.
struct Places {
  std::vector<std::string> readable;  // files, and folders with all that is in them
  std::vector<std::string> devices;
  bool gpu = false;  // with what the driver of one asks of the system
};

constexpr const char* kScratch = "/scratch";

// What every runner reads: the folders of the libraries that this process has loaded, those of LD_LIBRARY_PATH and of the
// libtorch that it was built with, the loader's cache, the processors' description; /dev/null and random numbers. For a GPU
// also the driver's files.
Places system_places(bool gpu);

// fresh_proc: this process has a pid namespace of its own, so that a /proc of it shows nobody else; only made for GPUs.
// kUnsupported: the sentence names the path and why.
Status enter_jail(const Places& places, std::uint64_t scratch_mb, bool fresh_proc);

}  // namespace skerry::runner
