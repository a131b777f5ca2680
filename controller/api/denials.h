// denials.h: who asked for what they may not do: told to the caller, and noted in the audit trail.
//
// So many a second are noted one by one; of a flood, the rest are counted and told with the next line,
// since each costs a write to the disk. Thread-safe.

#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "common/time.h"
#include "controller/gateway.h"

namespace skerry::api {

class Denials {
 public:
  void note(controller::Gateway& gateway, core::AuditEntry entry, Instant now);

 private:
  std::mutex mutex_;  // of all below
  Instant second_began_{};
  int in_this_second_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace skerry::api
