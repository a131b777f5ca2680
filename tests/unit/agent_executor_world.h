// agent_executor_world.h: an executor between fakes, and a list of what it said.

#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "agent/executor.h"
#include "tests/unit/agent_fakes.h"

namespace skerry::agent::testing {

struct ExecutorTest : ::testing::Test {
  FakeEngine engine;
  FakeEngine heavy{"torch", true};
  FakeBlobs blobs;
  MemoryJournal journal;
  FakeMeter meter;
  std::vector<ToController> sent;
  Executor executor{options(), {&engine, &heavy}, blobs, journal, meter, quiet_log()};

  static ExecutorOptions options() {
    return {.slots = 2,
            .queue_depth = 3,
            .physics = {.idle_w = 4,
                        .busy_w = 10,
                        .transfer_j_per_byte = 1,
                        .price_usd_per_hour = 7200,
                        .slots = 2}};
  }
  void settle(Instant now) {
    executor.settle(now);
    for (auto& message : executor.take_messages()) {
      sent.push_back(std::move(message));
    }
  }
  void assign(Instant now, Assign assign) {
    executor.assign(now, std::move(assign));
    settle(now);
  }
  void tick(Instant now) {
    executor.on_time(now);
    settle(now);
  }
  void fill(int count) {
    for (int n = 1; n <= count; ++n) {
      assign(at(seconds(0)), assignment(static_cast<std::uint64_t>(n)));
    }
  }
  std::vector<std::uint64_t> started() const {
    std::vector<std::uint64_t> uids;
    for (const auto& message : only<Started>(sent)) {
      uids.push_back(message.attempt.uid.low);
    }
    return uids;
  }
  std::vector<std::uint64_t> returned() const {
    std::vector<std::uint64_t> uids;
    for (const auto& message : only<Returned>(sent)) {
      uids.push_back(message.attempt.uid.low);
    }
    return uids;
  }
  std::vector<Ended> results() const {
    std::vector<Ended> found;
    for (auto next = journal.next_spooled(0); next; next = journal.next_spooled(next->position)) {
      found.push_back(*next->result);
    }
    return found;
  }
  const Ended& result_of(std::uint64_t n) {
    last_results = results();
    const auto found = std::ranges::find(last_results, ref(n), &Ended::attempt);
    check(found != last_results.end(), "no such result");
    return *found;
  }
  std::vector<Ended> last_results;
};

}  // namespace skerry::agent::testing
