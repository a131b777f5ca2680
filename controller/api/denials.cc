#include "controller/api/denials.h"

#include <fmt/format.h>

namespace skerry::api {

namespace {

constexpr int kMostPerSecond = 50;

}  // namespace

void Denials::note(controller::Gateway& gateway, core::AuditEntry entry, Instant now) {
  {
    const std::lock_guard lock(mutex_);
    if (now - second_began_ >= seconds(1)) {
      second_began_ = now;
      in_this_second_ = 0;
    }
    if (in_this_second_ >= kMostPerSecond) {
      ++left_out_;
      return;
    }
    ++in_this_second_;
    if (const auto left_out = std::exchange(left_out_, 0); left_out > 0) {
      entry.detail += fmt::format(" ({} more were denied before)", left_out);
    }
  }
  gateway.tell(core::NoteInAudit{.entry = std::move(entry)});
}

}  // namespace skerry::api
