// outbox.h: holds back what must not leave before its record is durable.
//
// Persist, then act: outputs whose batch is durable already leave at once, the others in the order
// in which they came, as soon as the store says so. Pure; the driver and the simulator share it.

#pragma once

#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "controller/core/effects.h"

namespace skerry::core {

class Outbox {
 public:
  // Calls release(output) for what may leave now; keeps the rest.
  template <typename Release>
  void take(std::vector<Output> outputs, Release&& release) {
    for (auto& output : outputs) {
      if (output.after <= durable_) {
        release(std::move(output));
      } else {
        waiting_.push_back(std::move(output));
      }
    }
  }

  // Everything up to `batch` is durable. What waits is not sorted: an output may wait for an older
  // batch than one that came before it.
  template <typename Release>
  void durable(BatchNumber batch, Release&& release) {
    durable_ = batch;
    std::deque<Output> waiting = std::exchange(waiting_, {});
    for (auto& output : waiting) {
      if (output.after <= durable_) {
        release(std::move(output));
      } else {
        waiting_.push_back(std::move(output));
      }
    }
  }

  std::size_t waiting() const { return waiting_.size(); }

 private:
  BatchNumber durable_ = 0;
  std::deque<Output> waiting_;
};

}  // namespace skerry::core
