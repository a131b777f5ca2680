// Tests of the learned policy as the controller runs it: it allocates nothing once it is warm, with a
// breaker around it and shadows beside it, and says the same twice. Allocations are counted by
// replacing the global operator new of this test binary.

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <new>

#include "rl/live/learned_policy.h"
#include "scheduler/place.h"
#include "scheduler/random_fleet.h"
#include "scheduler/ranking.h"
#include "tests/unit/learned_bundle.h"

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

namespace skerry::rl {
namespace {

using namespace scheduler;
namespace world = scheduler::testing;

class Live : public ::testing::Test {
 protected:
  Live() {
    for (int i = 0; i < 200; ++i) {
      tasks.push_back(world::random_task(random, options, constraints));
    }
  }
  // A digest of every choice and score.
  double place_all(Placer& placer) {
    double sum = 0;
    for (const TaskView& task : tasks) {
      const Decision& decision = placer.decide(task, fleet);
      if (decision.chosen) {
        sum = sum / 2 + static_cast<double>(*decision.chosen) + decision.scores[*decision.chosen];
        const Candidate& choice = decision.candidates[*decision.chosen];
        fleet.assigned(choice.node, 0.1);
        fleet.released(choice.node, 0.1);
      }
    }
    return sum;
  }
  std::unique_ptr<Policy> learned(std::uint64_t seed) const {
    return *make_learned_policy(testing::tiny_bundle("tiny", seed));
  }

  Random random{1};
  const world::RandomFleetOptions options{.nodes = 300};
  Fleet fleet = world::random_fleet(random, options);
  const Constraints constraints;
  std::vector<TaskView> tasks;
};

TEST_F(Live, AllocatesNothingPerDecisionOnceWarm) {
  SystemClock clock;
  Placer placer(make_heuristic("greedy"), Random(1), &clock);
  placer.ranking().set_policy(learned(1),
                              std::make_unique<Breaker>(BreakerOptions{.slow = hours(1)}));
  placer.ranking().add_shadow(learned(2), {.slow = hours(1)});
  placer.ranking().add_shadow(make_heuristic("jsq"), {.slow = hours(1)});
  for (int i = 0; i < 3; ++i) {
    place_all(placer);  // buffers grow; the shortlist's rotation makes later needs differ
  }
  const std::size_t before = allocations;
  place_all(placer);
  EXPECT_EQ(allocations, before);
}

TEST_F(Live, TheSameBundleDecidesTheSame) {
  const auto decided_by = [&](std::uint64_t bundle, std::uint64_t seed) {
    Random again(1);
    fleet = world::random_fleet(again, options);
    Placer placer(learned(bundle), Random(seed));
    return place_all(placer);
  };
  EXPECT_EQ(decided_by(3, 1), decided_by(3, 2));
  EXPECT_NE(decided_by(3, 1), decided_by(4, 1));
}

}  // namespace
}  // namespace skerry::rl
