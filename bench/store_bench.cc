// store_bench: how fast commits become durable: one at a time, and with 64 outstanding.
//
// Usage: store_bench DIRECTORY [SECONDS]     prints one JSON object
// The directory must be on the disk to be measured (not tmpfs) and is used as the store's.

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <semaphore>
#include <string>
#include <vector>

#include "controller/store/rocks_store.h"

using namespace skerry::store;
using Steady = std::chrono::steady_clock;

namespace {

struct Figures {
  double per_s = 0;
  double p50_us = 0;
  double p99_us = 0;
};

// What a durable submit writes: the job, its task, its idempotency key.
Batch job_batch(std::uint64_t number) {
  const std::string id = fmt::format("{:026}", number);
  return {{Table::kJob, id, std::string(400, 'j')},
          {Table::kTask, id, std::string(120, 't')},
          {Table::kIdempotency, id, std::string(40, 'i')}};
}

class Bench {
 public:
  explicit Bench(const std::string& path) {
    RocksOptions options{.path = path};
    options.on_durable = [this](Position position) { on_durable(position); };
    auto opened = open_rocks_store(std::move(options));
    if (!opened) {
      fmt::print(stderr, "store_bench: {}\n", opened.error().message);
      std::exit(1);
    }
    store_ = *std::move(opened);
    base_ = store_->durable();
  }

  // Appends for `length`, with at most `outstanding` batches that are not durable yet.
  Figures run(int outstanding, std::chrono::duration<double> length) {
    began_.assign(10'000'000, {});
    took_us_.clear();
    first_ = done_ = appended_;
    slots_.release(outstanding);
    const auto start = Steady::now();
    while (Steady::now() - start < length) {
      slots_.acquire();
      began_[appended_ - first_] = Steady::now();
      appended_ += 1;
      store_->append(job_batch(appended_));
    }
    for (int i = 0; i < outstanding; ++i) {
      slots_.acquire();
    }
    const std::chrono::duration<double> took = Steady::now() - start;
    std::ranges::sort(took_us_);
    return {static_cast<double>(took_us_.size()) / took.count(), took_us_[took_us_.size() / 2],
            took_us_[took_us_.size() * 99 / 100]};
  }

 private:
  void on_durable(Position position) {
    const auto now = Steady::now();
    const std::uint64_t before = done_;
    for (; done_ < position - base_; ++done_) {
      const std::chrono::duration<double, std::micro> took = now - began_[done_ - first_];
      took_us_.push_back(took.count());
    }
    slots_.release(static_cast<std::ptrdiff_t>(done_ - before));
  }

  std::uint64_t appended_ = 0;
  std::uint64_t first_ = 0;
  std::uint64_t done_ = 0;
  Position base_ = 0;
  std::vector<Steady::time_point> began_;
  std::vector<double> took_us_;
  std::counting_semaphore<1 << 20> slots_{0};
  std::unique_ptr<Store> store_;  // last: its thread calls back into the others
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: store_bench DIRECTORY [SECONDS]\n");
    return 2;
  }
  const std::chrono::duration<double> length(argc > 2 ? std::atof(argv[2]) : 3.0);
  Bench bench(argv[1]);
  const Figures alone = bench.run(1, length);
  const Figures many = bench.run(64, length);
  fmt::print(
      "{{\"alone_per_s\": {:.0f}, \"alone_p50_us\": {:.0f}, \"alone_p99_us\": {:.0f}, "
      "\"outstanding_64_per_s\": {:.0f}, \"outstanding_64_p50_us\": {:.0f}, "
      "\"outstanding_64_p99_us\": {:.0f}}}\n",
      alone.per_s, alone.p50_us, alone.p99_us, many.per_s, many.p50_us, many.p99_us);
  return 0;
}
