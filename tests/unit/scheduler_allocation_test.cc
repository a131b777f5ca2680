// A decision reuses its buffers: counted by replacing the global operator new of this test binary.

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "scheduler/place.h"
#include "scheduler/random_fleet.h"
#include "tests/unit/scheduler_world.h"

namespace {
std::size_t allocations = 0;
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) {
    return memory;
  }
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace skerry::scheduler {
namespace {

using namespace testing;

TEST(Decide, AllocatesNothingInSteadyState) {
  Random random(1);
  const RandomFleetOptions options{.nodes = 300};
  Fleet fleet = random_fleet(random, options);
  std::vector<Constraints> constraints(4);
  constraints[1].tiers = {Tier::kEdge};
  constraints[2].site = "site-3";
  constraints[3].labels["certified"] = "yes";
  std::vector<TaskView> tasks;
  tasks.reserve(200);
  for (int i = 0; i < 200; ++i) {
    tasks.push_back(random_task(random, options, constraints[random.below(4)]));
  }
  for (const std::string_view policy : heuristic_names()) {
    Placer placer(make_heuristic(policy), Random(1));
    const auto place_all = [&] {
      for (const TaskView& task : tasks) {
        const Decision& decision = placer.decide(task, fleet);
        if (decision.chosen) {
          const Candidate& choice = decision.candidates[*decision.chosen];
          fleet.assigned(choice.node, 0.1);
          fleet.released(choice.node, 0.1);
        }
      }
    };
    place_all();  // buffers grow to what these tasks need; the rotation makes later needs differ
    place_all();
    const std::size_t before = allocations;
    place_all();
    EXPECT_EQ(allocations, before) << policy;
  }
}

}  // namespace
}  // namespace skerry::scheduler
