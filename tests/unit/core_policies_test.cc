// Tests of the registry of policies: what is applied, promoted, shadowed and rolled back, and what a
// restart finds.

#include <gmock/gmock.h>

#include "tests/unit/core_policies_world.h"

namespace skerry::core {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

TEST_F(Policies, HeuristicsAreListedAndCanBePromoted) {
  EXPECT_EQ(active(), "greedy@1");
  EXPECT_EQ(core->policies().items.size(), 4u);
  EXPECT_TRUE(changed(change("jsq", PolicyAction::kPromote)));
  EXPECT_FALSE(changed(change("jsq", PolicyAction::kPromote)));
  EXPECT_EQ(active(), "jsq@1");
  EXPECT_FALSE(core->policies().breaker) << "a heuristic has none";
  const auto unknown = change("magic", PolicyAction::kPromote);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(unknown.error().message, HasSubstr("round-robin"));
}

TEST_F(Policies, ApplyingABundleChangesNoDecision) {
  EXPECT_TRUE(changed(put("fleet", "fleet v1 last")));
  EXPECT_FALSE(changed(put("fleet", "fleet v1 last")));
  EXPECT_EQ(active(), "greedy@1");
  two_nodes();
  const JobId id = submit(spec());
  EXPECT_EQ(core->find_job(id)->live.at(0).node_name, "a");
}

TEST_F(Policies, ABundleThatCannotBeUsedIsRefusedAndLeavesNothing) {
  const auto refused = put("fleet", "nonsense");
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused.error().fields.at(0).field, "/weights");
  EXPECT_EQ(put("other", "fleet v1 last").error().fields.at(0).field, "/name");
  for (const char* const name : {"greedy", "active"}) {
    EXPECT_EQ(put(name, std::string(name) + " v1 last").error().fields.at(0).field, "/name");
  }
  EXPECT_THAT(bundles(), ElementsAre());
  EXPECT_TRUE(stored().policies.empty());
}

TEST_F(Policies, APromotedBundleDecidesUntilItIsRolledBack) {
  two_nodes();
  put("fleet", "fleet v1 last");
  change("fleet", PolicyAction::kPromote);
  EXPECT_EQ(core->find_job(submit(spec()))->live.at(0).node_name, "b");
  EXPECT_TRUE(changed(ask(RollBackPolicy{})));
  EXPECT_EQ(active(), "greedy@1");
  EXPECT_EQ(core->find_job(submit(spec()))->live.at(0).node_name, "a");
  EXPECT_TRUE(changed(ask(RollBackPolicy{})));
  EXPECT_EQ(active(), "fleet@v1") << "rolling back twice comes back";
}

TEST_F(Policies, ThereIsNothingToRollBackToAtFirst) {
  EXPECT_EQ(ask(RollBackPolicy{}).error().code, ErrorCode::kConflict);
}

TEST_F(Policies, ARollbackFindsTheOlderVersionOfTheSameName) {
  put("fleet", "fleet v1 last");
  change("fleet", PolicyAction::kPromote);
  put("fleet", "fleet v2 greedy");
  EXPECT_EQ(active(), "fleet@v1") << "until it is promoted";
  change("fleet", PolicyAction::kPromote);
  EXPECT_EQ(active(), "fleet@v2");
  EXPECT_THAT(bundles(), UnorderedElementsAre("fleet@v1", "fleet@v2"));
  ask(RollBackPolicy{});
  EXPECT_EQ(active(), "fleet@v1");
}

TEST_F(Policies, VersionsThatNothingNeedsAreForgotten) {
  put("fleet", "fleet v1 last");
  put("fleet", "fleet v2 last");
  EXPECT_THAT(bundles(), ElementsAre("fleet@v2"));
  EXPECT_EQ(stored().policies.size(), 1u);
}

TEST_F(Policies, WhatIsInUseIsNotDeleted) {
  put("fleet", "fleet v1 last");
  change("fleet", PolicyAction::kShadow);
  EXPECT_EQ(change("fleet", PolicyAction::kDelete).error().code, ErrorCode::kConflict);
  change("fleet", PolicyAction::kPromote);
  EXPECT_EQ(change("fleet", PolicyAction::kDelete).error().code, ErrorCode::kConflict);
  change("greedy", PolicyAction::kPromote);
  EXPECT_TRUE(changed(change("fleet", PolicyAction::kDelete)));
  EXPECT_FALSE(core->policies().previous);
  EXPECT_EQ(change("greedy", PolicyAction::kDelete).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(stored().policies.empty());
}

TEST_F(Policies, ThereAreOnlySoManyShadows) {
  for (std::size_t i = 0; i < kMaxShadows; ++i) {
    const std::string name = "p" + std::to_string(i);
    put(name, name + " v1 last");
    EXPECT_TRUE(changed(change(name, PolicyAction::kShadow)));
  }
  EXPECT_EQ(change("random", PolicyAction::kShadow).error().code, ErrorCode::kConflict);
  EXPECT_FALSE(changed(change("p3", PolicyAction::kShadow)));
  EXPECT_TRUE(changed(change("p3", PolicyAction::kUnshadow)));
  EXPECT_FALSE(changed(change("p3", PolicyAction::kUnshadow)));
  EXPECT_TRUE(changed(change("random", PolicyAction::kShadow)));
}

TEST_F(Policies, ARestartKeepsWhatIsActiveAndWhoLooksOn) {
  put("fleet", "fleet v1 last");
  put("other", "other v9 greedy");
  change("fleet", PolicyAction::kPromote);
  change("other", PolicyAction::kShadow);
  restart(stored());
  EXPECT_EQ(active(), "fleet@v1");
  EXPECT_EQ(core->policies().previous, (PolicyRef{"greedy", "1"}));
  EXPECT_EQ(shadow("other").decisions, 0u);
  two_nodes();
  EXPECT_EQ(core->find_job(submit(spec()))->live.at(0).node_name, "b");
}

TEST_F(Policies, ABundleThatCanNoLongerBeMadeLeavesTheConfiguredPolicy) {
  put("fleet", "fleet v1 last");
  change("fleet", PolicyAction::kPromote);
  factory.broken = "last";
  held.clear();
  restart(stored());
  EXPECT_EQ(active(), "greedy@1");
  EXPECT_THAT(told<PolicyChanged>().at(0).reason, HasSubstr("fleet"));
}

// ---- the bundle that comes with the controller

OfferPolicy offer(const std::string& words, bool activate) {
  return {.bundle = std::make_shared<const std::string>(words),
          .origin = "fleet.json",
          .activate = activate,
          .why = "its card says so"};
}

TEST_F(Policies, TheOfferedBundleBecomesActiveIfItsCardSaysSo) {
  apply(offer("fleet v1 last", false));
  EXPECT_EQ(active(), "greedy@1");
  EXPECT_EQ(told<PolicyChanged>().back().change, "not_promoted");
  apply(offer("fleet v1 last", true));
  EXPECT_EQ(active(), "fleet@v1");
  EXPECT_FALSE(core->policies().operator_chose);
}

TEST_F(Policies, TheOfferedBundleDoesNotOverruleAnOperator) {
  change("greedy", PolicyAction::kPromote);  // explicitly
  apply(offer("fleet v1 last", true));
  EXPECT_EQ(active(), "greedy@1");
  restart(stored());
  apply(offer("fleet v2 last", true));
  EXPECT_EQ(active(), "greedy@1");
}

TEST_F(Policies, TheOfferedBundleDoesNotOverruleTheConfiguration) {
  settings.policy = "jsq";
  settings.policy_chosen = true;
  restart({});
  apply(offer("fleet v1 last", true));
  EXPECT_EQ(active(), "jsq@1");
}

TEST_F(Policies, ANewerOfferedBundleTakesThePlaceOfTheOlderOneAfterARestart) {
  apply(offer("fleet v1 last", true));
  restart(stored());
  EXPECT_EQ(active(), "fleet@v1");
  apply(offer("fleet v2 last", true));
  EXPECT_EQ(active(), "fleet@v2");
  restart(stored());
  apply(OfferPolicy{.why = "none is configured"});
  EXPECT_EQ(active(), "greedy@1");
}

TEST_F(Policies, AnOfferedBundleDoesNotReplaceWhatAnOperatorAppliedUnderItsName) {
  apply(offer("fleet v1 last", true));
  EXPECT_TRUE(put("fleet", "fleet v2 last"));
  restart(stored());
  apply(offer("fleet v1 last", true));
  EXPECT_EQ(told<PolicyChanged>().back().change, "refused");
  EXPECT_THAT(told<PolicyChanged>().back().reason, HasSubstr("operator"));
  change("fleet", PolicyAction::kPromote);
  EXPECT_EQ(active(), "fleet@v2") << "what the operator applied is still the newest";
}

TEST_F(Policies, AnOfferedBundleThatCannotBeUsedIsSaidAndNothingElse) {
  apply(offer("nonsense", true));
  EXPECT_EQ(active(), "greedy@1");
  EXPECT_EQ(told<PolicyChanged>().back().change, "refused");
}

}  // namespace
}  // namespace skerry::core
