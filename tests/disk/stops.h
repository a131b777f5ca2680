// stops.h: a process whose store's sync fails: how soon it ends, and that it has told nobody of anything
// since.

#pragma once

#include <cstdint>
#include <string>

namespace skerry::disk {

struct Stop {
  double took_s = 0;             // from the failure to the end of the process
  std::uint64_t told_since = 0;  // positions acknowledged after the failure
  std::string wrong;             // with what it left, or with how it ended; empty: nothing
};

// The sync that fails is this one, from 1.
Stop stop_at_sync(int number);

}  // namespace skerry::disk
