// What attempts are charged: modelled and measured joules.

#include <gtest/gtest.h>

#include "agent/energy.h"
#include "tests/unit/agent_fakes.h"

namespace skerry::agent {
namespace {

using testing::at;

// tests/unit/scheduler_predict_test.cc has the same for what is predicted.
TEST(Charges, TheAttemptsOfAFullNodeAddUpToWhatItDraws) {
  for (const double idle_w : {0.0, 4.0, 10.0}) {
    const NodePhysics node{.idle_w = idle_w, .busy_w = 10, .slots = 4};
    EXPECT_DOUBLE_EQ(4 * modelled_energy_j(node, seconds(2), 0), 10 * 2.0);

    EnergyLedger ledger(node);
    ledger.advance(at(seconds(0)), 100, 4);
    ledger.advance(at(seconds(2)), 120, 4);
    EXPECT_DOUBLE_EQ(4 * ledger.share_j(), 20);
  }
}

TEST(Charges, OfAMeasuredNodeNobodyGetsWhatItsIdleSlotsTake) {
  EnergyLedger ledger({.idle_w = 4, .busy_w = 10, .slots = 4});
  ledger.advance(at(seconds(0)), 100, 1);
  ledger.advance(at(seconds(2)), 111, 1);
  EXPECT_DOUBLE_EQ(ledger.share_j(), 8 / 4.0 + 3);  // 8 J of idling, 3 J of work
}

}  // namespace
}  // namespace skerry::agent
