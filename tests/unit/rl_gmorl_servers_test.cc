// The physics of the reference system's problem against hand-computed cases and a naive simulation:
// processor sharing, the marginal delay, energy, and what a tape may and may not do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "rl/gmorl/servers.h"
#include "rl/gmorl/tape.h"
#include "rl/gmorl/view.h"

namespace skerry::rl::gmorl {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;

// One server of 2 Mbit/s and one of 4.
Context two_servers() {
  Context context;
  context.speed = {4, 2};
  return context;
}

std::vector<double> left(const Servers& servers, std::size_t server) {
  std::vector<double> all;
  servers.left(0, server, all);
  return all;
}

TEST(GmorlServers, TasksOfAServerShareItsSpeedEqually) {
  const Context context = two_servers();
  Servers servers(context, 1);
  servers.join(0, 0, 4);
  servers.join(0, 0, 12);
  servers.advance(0, 1);  // 2 Mbit each
  EXPECT_THAT(left(servers, 0), ElementsAre(DoubleNear(10, 1e-12), DoubleNear(2, 1e-12)));
  EXPECT_THAT(left(servers, 1), IsEmpty());
}

TEST(GmorlServers, ATaskThatEndsLeavesItsShareToTheOthersFromThatMoment) {
  const Context context = two_servers();
  Servers servers(context, 1);
  servers.join(0, 0, 2);
  servers.join(0, 0, 12);
  servers.advance(0, 2);  // the first ends after 1 s; then the other has 4 Mbit/s for 1 s
  EXPECT_THAT(left(servers, 0), ElementsAre(DoubleNear(12 - 2 - 4, 1e-12)));
}

TEST(GmorlServers, ATaskThatJoinsLateHasOnlyTheServiceSinceThen) {
  const Context context = two_servers();
  Servers servers(context, 1);
  servers.join(0, 1, 10);
  servers.advance(0, 1);  // 8 left
  servers.join(0, 1, 3);
  servers.advance(0, 2);  // 2 Mbit each
  EXPECT_THAT(left(servers, 1), ElementsAre(DoubleNear(6, 1e-12), DoubleNear(1, 1e-12)));
  EXPECT_NEAR(servers.work(0, 1), 7, 1e-12);
  EXPECT_NEAR(servers.overlap(0, 1, 2), 2 + 1, 1e-12);
}

TEST(GmorlServers, RowsDoNotTouchEachOtherAndCopiesAreIndependent) {
  const Context context = two_servers();
  Servers servers(context, 2);
  servers.join(0, 0, 8);
  servers.copy(1, servers, 0);
  servers.advance(1, 1);
  EXPECT_NEAR(servers.work(0, 0), 8, 1e-12);
  EXPECT_NEAR(servers.work(1, 0), 4, 1e-12);
  servers.clear(0);
  EXPECT_EQ(servers.count(0, 0), 0u);
  EXPECT_EQ(servers.count(1, 0), 1u);
}

// Fifty tasks, more than a server has room for at first, against a simulation that moves every task.
TEST(GmorlServers, AgreesWithASimulationThatMovesEveryTask) {
  const Context context = two_servers();
  Servers servers(context, 1);
  std::vector<double> naive;
  Random random(5);
  for (int step = 0; step < 400; ++step) {
    if (step < 50 || random.chance(0.3)) {
      const double mbit = random.exponential(6);
      servers.join(0, 0, mbit);
      naive.push_back(mbit);
    }
    const double seconds = random.uniform(0, 2);
    servers.advance(0, seconds);
    double rest = seconds;
    while (rest > 0 && !naive.empty()) {
      const double shortest = *std::ranges::min_element(naive);
      const auto n = static_cast<double>(naive.size());
      const double until = std::min(rest, shortest * n / context.speed[0]);
      for (double& x : naive) {
        x -= until * context.speed[0] / n;
      }
      rest -= until;
      std::erase_if(naive, [](double x) { return x < 1e-9; });
    }
    ASSERT_EQ(servers.count(0, 0), naive.size()) << "step " << step;
    ASSERT_NEAR(servers.work(0, 0), std::accumulate(naive.begin(), naive.end(), 0.0), 1e-6);
  }
}

TEST(GmorlServers, WorkIsConserved) {
  const Context context = uniform_context(6);
  Servers servers(context, 1);
  Random random(9);
  double brought = 0;
  for (int step = 0; step < 200; ++step) {
    double before = 0;
    double possible = 0;
    const double mbit = random.exponential(16);
    const std::size_t to = random.below(context.servers());
    servers.join(0, to, mbit);
    brought += mbit;
    for (std::size_t server = 0; server < context.servers(); ++server) {
      before += servers.work(0, server);
      possible += std::min(servers.work(0, server), context.speed[server]);
    }
    servers.advance(0, 1);
    double after = 0;
    for (std::size_t server = 0; server < context.servers(); ++server) {
      after += servers.work(0, server);
    }
    // A busy server does exactly its speed; one that empties does what it had.
    ASSERT_NEAR(before - after, possible, 1e-9);
  }
  EXPECT_GT(brought, 0);
}

TEST(GmorlServers, TheMarginalDelayIsTheFormulaOfTwoHandComputedCases) {
  const Context context = two_servers();
  Servers servers(context, 1);
  EXPECT_NEAR(servers.marginal_s(0, 0, 8), 2, 1e-12);  // alone: 8 Mbit at 4 Mbit/s
  servers.join(0, 0, 2);
  servers.join(0, 0, 20);
  // 8/4 + 2/4 (min(2, 8) + min(20, 8)) = 2 + 5
  EXPECT_NEAR(servers.marginal_s(0, 0, 8), 7, 1e-12);
}

// The sum of all tasks' times on a server until all have ended: the integral of their number.
double total_delay(Servers servers) {
  double sum = 0;
  constexpr double kStep = 1e-3;
  while (servers.count(0, 0) > 0) {
    sum += kStep * static_cast<double>(servers.count(0, 0));
    servers.advance(0, kStep);
  }
  return sum;
}

TEST(GmorlServers, TheMarginalDelayIsByHowMuchTheTotalGrows) {
  const Context context = two_servers();
  Servers servers(context, 1);
  Random random(3);
  for (int i = 0; i < 4; ++i) {
    servers.join(0, 0, random.exponential(6));
    servers.advance(0, 0.5);
    const double mbit = random.exponential(6);
    Servers with = servers;
    with.join(0, 0, mbit);
    EXPECT_NEAR(total_delay(with) - total_delay(servers), servers.marginal_s(0, 0, mbit), 0.02);
  }
}

TEST(GmorlContext, ComputingCostsEightMillijoulesAMbitAtFourGigahertz) {
  const Context context = uniform_context(2, 4, 2);
  EXPECT_NEAR(context.joules_per_mbit(0), 0.008, 1e-12);
  EXPECT_NEAR(context.joules_per_mbit(1), 0.002, 1e-12);
  EXPECT_NEAR(context.speed[0], 4, 1e-12);  // Mbit/s at 1000 cycles a bit
  EXPECT_NEAR(uniform_context(6).mean_mbit(), 16, 1e-12);
}

TEST(GmorlView, TheExactCostWeighsNormalisedDelayAndEnergy) {
  const Context context = two_servers();
  const Scales scales(context);
  EXPECT_NEAR(scales.delay_s, 6.0 / 3, 1e-12);  // mean size / mean speed
  EXPECT_NEAR(scales.energy_j, 6 * (0.008 + 0.002) / 2, 1e-12);
  const double lambda = 0.01;
  const double w = scales.weight(lambda);
  EXPECT_NEAR(w, lambda * 2 / (lambda * 2 + 0.03), 1e-12);
  EXPECT_EQ(scales.weight(std::numeric_limits<double>::infinity()), 1);

  Servers servers(context, 1);
  servers.join(0, 1, 3);
  Dispatch dispatch{.mbit = 4};
  dispatch.upload_s = {0.5f, 0.25f};
  View view(context, scales);
  for (const Detail detail : {Detail::kCosts, Detail::kSummaries, Detail::kAll}) {
    view.start(1, detail);
    view.look(0, servers, 0, dispatch, w, 10);
    view.finish(1);
    // Server 1: upload 0.25, own 4/2, and 2/2 x min(3, 4) for those that share it.
    EXPECT_NEAR(view.delay(view.lane(0, 1)) * scales.delay_s, 0.25 + 2 + 3, 1e-12);
    EXPECT_NEAR(view.energy(view.lane(0, 1)) * scales.energy_j, 4 * 0.002 + 0.01 * 0.25, 1e-12);
    const Cost cost = cost_of(servers, 0, 1, dispatch, scales);
    EXPECT_NEAR(cost.delay_s, 5.25, 1e-12);
    EXPECT_NEAR(cost.energy_j, 0.0105, 1e-12);
    EXPECT_EQ(view.greedy(0), 0u);
  }
}

TEST(GmorlTape, TheSameSeedAndNumberYieldTheSameTapeAndOthersAnother) {
  const Context context = uniform_context(3);
  Tape a(context, 1, 7);
  Tape b(context, 1, 7);
  Tape c(context, 1, 8);
  Dispatch x, y, z;
  bool differs = false;
  for (int step = 0; step < 50; ++step) {
    const bool dispatched = a.next(x);
    ASSERT_EQ(dispatched, b.next(y));
    const bool other = c.next(z);
    if (dispatched) {
      ASSERT_EQ(x.mbit, y.mbit);
      ASSERT_EQ(x.upload_s, y.upload_s);
      differs = differs || !other || x.mbit != z.mbit;
    }
  }
  EXPECT_TRUE(differs);
}

TEST(GmorlTape, DispatchesInOrderOfArrivalOneAStepWithSizesInRange) {
  const Context context = uniform_context(6);
  Tape tape(context, 4, 0);
  Dispatch dispatch;
  std::uint32_t number = 0;
  int arrived_at = 0;
  double sum = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (tape.next(dispatch)) {
      ASSERT_EQ(dispatch.number, number++);
      const int arrived = step - static_cast<int>(dispatch.waited_s);
      ASSERT_GE(arrived, arrived_at);  // first come, first served
      ASSERT_GE(dispatch.waited_s, 0);
      arrived_at = arrived;
      ASSERT_GE(dispatch.mbit, kLeastMbit);
      ASSERT_LE(dispatch.mbit, kMostMbit);
      sum += dispatch.mbit;
      for (std::size_t server = 0; server < context.servers(); ++server) {
        ASSERT_GT(dispatch.upload_s[server], 0);
      }
    }
  }
  EXPECT_GT(number, 19'000u);  // one arrives a step on average, and little waits at the end
  // Of a clipped exponential: 0.1 + 16 (exp(-0.1/16) - exp(-100/16)).
  EXPECT_NEAR(sum / number, 0.1 + 16 * (std::exp(-0.1 / 16) - std::exp(-100.0 / 16)), 0.4);
}

TEST(GmorlTape, AFutureSharesLinksAndQueueAndNothingElse) {
  const Context context = uniform_context(3);
  Tape tape(context, 1, 0);
  Dispatch dispatch;
  for (int step = 0; step < 30; ++step) {
    tape.next(dispatch);
  }
  // Until somebody waits, so that there is a queue to share.
  while (tape.next(dispatch) && dispatch.queue < 3) {
  }
  ASSERT_GE(dispatch.queue, 3);
  Tape one = tape.future(9, 1);
  Tape same = tape.future(9, 1);
  Tape two = tape.future(9, 2);
  Dispatch a, b, c;
  double first = 0, second = 0;
  for (int step = 0; step < 30; ++step) {
    ASSERT_EQ(one.next(a), same.next(b));
    ASSERT_EQ(a.mbit, b.mbit);
    EXPECT_EQ(a.upload_s, b.upload_s);
    ASSERT_TRUE(two.next(c) || step >= 3) << "the queue goes on";
    if (step < 3) {  // those who waited already
      EXPECT_EQ(a.waited_s, c.waited_s);
      EXPECT_GT(a.waited_s, 0);
    }
    first += a.mbit;
    second += c.mbit;
  }
  EXPECT_NE(first, second);
}

}  // namespace
}  // namespace skerry::rl::gmorl
