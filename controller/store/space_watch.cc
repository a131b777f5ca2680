#include "controller/store/space_watch.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace skerry::store {
namespace {

using State = Space::State;

constexpr std::chrono::milliseconds kBetweenLooks{100};
constexpr std::uint64_t kMiB = 1024 * 1024;

}  // namespace

SpaceWatch::SpaceWatch(rocksdb::FileSystem& files, std::string path, std::uint64_t reserve_bytes,
                       std::function<void(std::string_view)> log)
    : files_(files), path_(std::move(path)), reserve_bytes_(reserve_bytes), log_(std::move(log)) {
  look();
}

Space SpaceWatch::space() const { return {.state = state_, .free_bytes = free_bytes_}; }

void SpaceWatch::look() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_look_) {
    return;
  }
  next_look_ = now + kBetweenLooks;
  if (!ask()) {
    return;
  }
  const std::uint64_t enough = reserve_bytes_ + reserve_bytes_ / 4;
  if (state_ == State::kEnough && free_bytes_ < reserve_bytes_) {
    change(State::kLow, fmt::format("{} MiB are free, of which {} are kept for work that was "
                                    "accepted: nothing new is taken until {} MiB are free",
                                    free_bytes_ / kMiB, reserve_bytes_ / kMiB, enough / kMiB));
  } else if (state_ == State::kLow && free_bytes_ >= enough) {
    change(State::kEnough,
           fmt::format("{} MiB are free again: new work is taken", free_bytes_ / kMiB));
  }
}

void SpaceWatch::none(const Error& why) {
  ask();
  change(State::kNone,
         fmt::format("there is no space left: nothing new is taken, and what was accepted waits "
                     "until there is some again ({})",
                     why.message));
}

bool SpaceWatch::enough_to_come_back(std::uint64_t waiting_bytes) {
  return ask() && free_bytes_ >= std::max(reserve_bytes_ / 2, kMiB) + waiting_bytes;
}

void SpaceWatch::came_back(Position position) {
  change(State::kLow, fmt::format("there is space again, {} MiB: it goes on from position {}, "
                                  "and nothing acknowledged is missing",
                                  free_bytes_ / kMiB, position));
  next_look_ = {};
  look();
}

void SpaceWatch::change(State state, const std::string& sentence) {
  state_ = state;
  if (log_) {
    log_(fmt::format("store {}: {}", path_, sentence));
  }
}

// A file system that cannot tell is taken at its word when it says that there is none.
bool SpaceWatch::ask() {
  std::uint64_t free_bytes = 0;
  if (!files_.GetFreeSpace(path_, {}, &free_bytes, nullptr).ok()) {
    return false;
  }
  free_bytes_ = free_bytes;
  return true;
}

}  // namespace skerry::store
