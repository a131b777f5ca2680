// body_budget.h: bounds the bytes of all request bodies that are held at once, over all connections;
// likewise those of the documents that were parsed from them, which are a budget of their own.
//
// A BodyShare counts what one request holds: it grows with the bytes as they arrive, and not with
// what a header promises, so that a client holds up nobody by a promise. It gives all back with
// release() or its end. Thread-safe: the budget from any thread, a share on its connection's strand.

#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace skerry::api {

class BodyBudget {
 public:
  explicit BodyBudget(std::uint64_t bytes) : bytes_(bytes) {}

  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t left() const {
    const std::uint64_t held = held_.load(std::memory_order_relaxed);
    return held < bytes_ ? bytes_ - held : 0;
  }

 private:
  friend class BodyShare;

  bool take(std::uint64_t bytes) {
    if (held_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= bytes_) {
      return true;
    }
    give(bytes);
    return false;
  }
  void give(std::uint64_t bytes) { held_.fetch_sub(bytes, std::memory_order_relaxed); }

  const std::uint64_t bytes_;
  std::atomic<std::uint64_t> held_ = 0;
};

class BodyShare {
 public:
  explicit BodyShare(BodyBudget& budget) : budget_(budget) {}
  ~BodyShare() { release(); }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;

  // False: there is no room for so much more; the share is as it was.
  [[nodiscard]] bool grow(std::uint64_t bytes) {
    const bool taken = budget_.take(bytes);
    held_ += taken ? bytes : 0;
    return taken;
  }
  void shrink(std::uint64_t bytes) {
    budget_.give(bytes);
    held_ -= bytes;
  }
  void release() { budget_.give(std::exchange(held_, 0)); }

 private:
  BodyBudget& budget_;
  std::uint64_t held_ = 0;
};

}  // namespace skerry::api
