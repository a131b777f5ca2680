// space_watch.h: how much space is left where the store lives, and when that is too little.
//
//   ENOUGH -- less than the reserve is free --> LOW -- a write found none --> NONE
//     ^                                        |                              |
//     +-- a quarter more than it is free ------+<---- the store came back ----+
//
// Owned by the store. space() may be called from any thread, everything else from the store's own.
// Each change is logged as a sentence.

#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "controller/store/store.h"

namespace skerry::store {

class SpaceWatch {
 public:
  // reserve_bytes 0: never LOW. The files outlive this.
  SpaceWatch(rocksdb::FileSystem& files, std::string path, std::uint64_t reserve_bytes,
             std::function<void(std::string_view)> log);

  Space space() const;

  // Cheap enough for every commit: asks the file system a few times a second at most.
  void look();
  // A write found no space.
  void none(const Error& why);
  // Whether there is enough again to open the store and go on with accepted work: half of the
  // reserve, and what waits to be written.
  bool enough_to_come_back(std::uint64_t waiting_bytes);
  // Everything up to `position` is there, and it goes on.
  void came_back(Position position);

 private:
  void change(Space::State state, const std::string& sentence);
  bool ask();

  rocksdb::FileSystem& files_;
  const std::string path_;
  const std::uint64_t reserve_bytes_;
  const std::function<void(std::string_view)> log_;
  std::chrono::steady_clock::time_point next_look_{};
  std::atomic<Space::State> state_ = Space::State::kEnough;
  std::atomic<std::uint64_t> free_bytes_ = 0;
};

}  // namespace skerry::store
