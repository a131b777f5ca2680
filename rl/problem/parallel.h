// parallel.h: the same work for many indices on several threads.

#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace skerry::rl {

// Calls work(i) for every i below count, each once, in any order. Rethrows the first exception after
// all threads have ended.
template <typename Work>
void parallel_for(std::size_t count, std::size_t threads, Work work) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failing;  // guards failure
  const auto loop = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) {
        work(i);
      }
    } catch (...) {
      const std::lock_guard lock(failing);
      failure = failure ? failure : std::current_exception();
      next = count;
    }
  };
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < threads && i < count; ++i) {
    others.emplace_back(loop);
  }
  loop();
  others.clear();
  if (failure) {
    std::rethrow_exception(failure);
  }
}

}  // namespace skerry::rl
