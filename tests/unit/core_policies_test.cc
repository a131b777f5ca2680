// Tests of the registry of policies: what is applied, promoted, shadowed and rolled back, what a
// restart finds, and what is counted of shadows and breakers.

#include <gmock/gmock.h>

#include <charconv>
#include <cmath>

#include "controller/core/policy_factory.h"
#include "controller/core/policy_table.h"
#include "tests/unit/core_world.h"

namespace skerry::core {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// Bundles of these tests are "NAME VERSION BEHAVIOUR": "last" prefers the last candidate, "greedy"
// does as greedy, "nan" says NaN.
class Worded final : public scheduler::Policy {
 public:
  Worded(std::string name, std::string version, std::string behaviour)
      : name_(std::move(name)), version_(std::move(version)), behaviour_(std::move(behaviour)) {}
  std::string_view name() const override { return name_; }
  std::string_view version() const override { return version_; }
  Status rank(const scheduler::RankInput& input, std::span<double> scores) override {
    for (std::size_t i = 0; i < scores.size(); ++i) {
      scores[i] = behaviour_ == "last" ? -static_cast<double>(i)
                  : behaviour_ == "nan"
                      ? NAN
                      : weighted_sum(input.task.preference, input.candidates[i].normalised);
    }
    return {};
  }

 private:
  std::string name_, version_, behaviour_;
};

class WordFactory final : public PolicyFactory {
 public:
  Result<std::unique_ptr<scheduler::Policy>> make(std::string_view bundle) override {
    std::vector<std::string> words;
    while (!bundle.empty()) {
      const auto end = std::min(bundle.find(' '), bundle.size());
      words.emplace_back(bundle.substr(0, end));
      bundle.remove_prefix(std::min(end + 1, bundle.size()));
    }
    if (words.size() != 3 || words[2] == broken) {
      return fail(ErrorCode::kInvalidArgument, "this is no bundle", {{"/weights", "are missing"}});
    }
    return std::make_unique<Worded>(words[0], words[1], words[2]);
  }
  std::string broken;  // a behaviour that cannot be made any more
};

class Policies : public CoreWorld {
 protected:
  Policies() {
    helpers.factory = &factory;
    settings.probe_runs = 0;
    settings.breaker.rest = seconds(10);
    settings.breaker.trial_every = 2;
    settings.breaker.good_trials = 1;
    settings.breaker.drift.window = 8;
    restart({});
  }
  Result<Reply> ask(Event event) {
    std::visit(
        [&](auto& concrete) {
          if constexpr (requires { concrete.ticket; }) {
            concrete.ticket = ++tickets;
          }
        },
        event);
    apply(std::move(event));
    return answers.at(tickets);
  }
  Result<Reply> put(const std::string& name, const std::string& words) {
    return ask(ApplyPolicy{.name = name, .bundle = std::make_shared<const std::string>(words)});
  }
  Result<Reply> change(const std::string& name, PolicyAction action) {
    return ask(ChangePolicy{.name = name, .action = action});
  }
  static bool changed(const Result<Reply>& reply) {
    return std::get<Changed>(reply.value()).changed;
  }
  std::string active() const {
    const PolicyRef ref = core->policies().active;
    return ref.name + "@" + ref.version;
  }
  std::vector<std::string> bundles() const {
    std::vector<std::string> found;
    for (const PolicyView& policy : core->policies().items) {
      if (!policy.builtin) {
        found.push_back(policy.ref.name + "@" + policy.ref.version);
      }
    }
    return found;
  }
  const ShadowStats& shadow(const std::string& name) {
    policies = core->policies();
    for (const PolicyView& policy : policies.items) {
      if (policy.ref.name == name && policy.shadow) {
        return *policy.shadow;
      }
    }
    ADD_FAILURE() << name << " is no shadow";
    static const ShadowStats kNone;
    return kNone;
  }
  // Two idle nodes; the first is what greedy takes of equals.
  void two_nodes() {
    put_model();
    first = connect("a");
    second = connect("b");
  }
  SessionId placed_on(JobId id) {
    return core->find_job(id)->live.at(0).node_name == "a" ? first : second;
  }
  void run_jobs(int count) {
    for (int i = 0; i < count; ++i) {
      const JobId id = submit(spec());
      const SessionId session = placed_on(id);
      finish(session, last_assigned(session));
    }
  }

  WordFactory factory;
  PoliciesView policies;
  SessionId first, second;
};

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

TEST_F(Policies, ShadowsAreCountedAndChooseWithoutEffect) {
  two_nodes();
  put("same", "same v1 greedy");
  put("last", "last v1 last");
  put("bad", "bad v1 nan");
  for (const char* const name : {"same", "last", "bad"}) {
    change(name, PolicyAction::kShadow);
  }
  run_jobs(40);
  EXPECT_EQ(shadow("same").decisions, 40u);
  EXPECT_EQ(shadow("same").agreed, 40u);
  EXPECT_EQ(shadow("same").regret, 0);
  EXPECT_EQ(shadow("same").matched, 40u);
  EXPECT_DOUBLE_EQ(shadow("same").estimate, shadow("same").measured)
      << "where both agree, what was measured counts";
  EXPECT_EQ(shadow("last").agreed, 0u);
  EXPECT_GE(shadow("last").regret, 0);
  EXPECT_EQ(shadow("last").outcomes, 40u);
  EXPECT_EQ(shadow("bad").failed, 40u);
  EXPECT_EQ(shadow("bad").outcomes, 0u);
}

TEST_F(Policies, TheRecordSaysWhatShadowsWouldHaveChosenAndAllThatScoringTakes) {
  two_nodes();
  put("last", "last v1 last");
  change("last", PolicyAction::kShadow);
  submit(spec());
  const auto record = std::ranges::find_if(written, [](const RecordWrite& write) {
    return std::holds_alternative<DecisionRecord>(write);
  });
  ASSERT_NE(record, written.end());
  const auto& decision = std::get<DecisionRecord>(*record);
  EXPECT_EQ(decision.considered, 2u);
  ASSERT_EQ(decision.candidates.size(), 2u);
  EXPECT_EQ(decision.candidates[decision.chosen].node, "a");
  EXPECT_EQ(decision.candidates.at(*decision.shadows.at(0).chosen).node, "b");
  EXPECT_EQ(decision.candidates[0].facts.slots, 2);
  EXPECT_EQ(decision.candidates[0].facts.outstanding, 0);
  EXPECT_EQ(decision.model, "m");
}

TEST_F(Policies, APoisonedPolicyTripsItsBreakerAndEveryJobIsPlaced) {
  two_nodes();
  put("bad", "bad v1 nan");
  change("bad", PolicyAction::kPromote);
  run_jobs(5);
  EXPECT_EQ(core->policies().breaker->state, scheduler::BreakerState::kOpen);
  const auto told_breaker = told<BreakerChanged>();
  ASSERT_EQ(told_breaker.size(), 1u);
  EXPECT_EQ(told_breaker[0].state, "open");
  EXPECT_EQ(told_breaker[0].fault, "not_finite");
  EXPECT_EQ(told_breaker[0].policy, "bad");
  for (const auto& decision : told<DecisionMade>()) {
    EXPECT_TRUE(decision.placed && decision.fallback);
  }
  now += seconds(10);
  run_jobs(1);
  EXPECT_EQ(told<BreakerChanged>().back().state, "open") << "a bad trial";
  change("greedy", PolicyAction::kPromote);
  EXPECT_FALSE(core->policies().breaker);
}

TEST_F(Policies, AGoodBundleClosesItsBreakerAgain) {
  two_nodes();
  put("bad", "bad v1 nan");
  change("bad", PolicyAction::kPromote);
  run_jobs(2);
  put("bad", "bad v2 greedy");
  change("bad", PolicyAction::kPromote);
  EXPECT_EQ(core->policies().breaker->state, scheduler::BreakerState::kClosed);
  run_jobs(3);
  EXPECT_EQ(core->policies().breaker->trips, 0u);
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

TEST_F(Policies, AnOfferedBundleThatCannotBeUsedIsSaidAndNothingElse) {
  apply(offer("nonsense", true));
  EXPECT_EQ(active(), "greedy@1");
  EXPECT_EQ(told<PolicyChanged>().back().change, "refused");
}

}  // namespace
}  // namespace skerry::core
