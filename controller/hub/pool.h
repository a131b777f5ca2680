// pool.h: a few threads for what blocks: the blob directory's reads, writes and syncs.
//
// gRPC runs all reactions on two threads, so a reaction that waited for the disk would hold up the
// heartbeats of half the fleet. Jobs are bounded by their givers: a transfer has at most one here.
// run() may be called from any thread until join().

#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace skerry::hub {

class Pool {
 public:
  explicit Pool(std::size_t threads);
  ~Pool() { join(); }

  void run(std::move_only_function<void()> job);
  // Runs what was given, then ends. Idempotent.
  void join();

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::move_only_function<void()>> jobs_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace skerry::hub
