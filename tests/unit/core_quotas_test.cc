// Quotas of namespaces: what is counted, what is refused, and what waits.

#include <gtest/gtest.h>

#include <string>

#include "controller/core/quotas.h"
#include "tests/unit/core_world.h"

namespace skerry::core {
namespace {

constexpr Instant kStart = instant_from_us(1'700'000'000'000'000);

QuotaSettings for_all(Quota quota) { return {.others = quota, .named = {}}; }

ErrorCode refusal(const Status& status) {
  return status ? ErrorCode::kInternal : status.error().code;
}

TEST(Quotas, WithoutAnyEverythingIsAdmittedAndNothingIsKept) {
  Quotas quotas({});
  EXPECT_TRUE(quotas.admit("a", 1'000'000, 1ULL << 60, kStart));
  EXPECT_FALSE(quotas.is_full("a"));
  quotas.opened("a", 5);
  quotas.closed("a", 5);
  EXPECT_EQ(quotas.accounts(), 0u);
}

TEST(Quotas, TheRateLetsABurstThroughAndThenSaysWhenThereIsMore) {
  Quotas quotas(for_all({.jobs_per_s = 10, .burst_jobs = 20}));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(quotas.admit("a", 1, 0, kStart)) << i;
  }
  const Status refused = quotas.admit("a", 1, 0, kStart);
  ASSERT_EQ(refusal(refused), ErrorCode::kQuotaRate);
  EXPECT_EQ(refused.error().retry_after, milliseconds(100));
  EXPECT_EQ(refused.error().message, "namespace 'a' may submit 10 jobs a second, 20 at once");
  EXPECT_TRUE(quotas.admit("b", 20, 0, kStart)) << "another namespace has its own";
  EXPECT_FALSE(quotas.admit("a", 1, 0, kStart + milliseconds(99)));
  EXPECT_TRUE(quotas.admit("a", 1, 0, kStart + milliseconds(100)));
  EXPECT_FALSE(quotas.admit("a", 21, 0, kStart + seconds(1)));
  EXPECT_TRUE(quotas.admit("a", 20, 0, kStart + seconds(100))) << "no more than the burst gathers";
  EXPECT_FALSE(quotas.admit("a", 1, 0, kStart + seconds(100)));
}

TEST(Quotas, WhoComesBackWhenToldIsAdmitted) {
  for (const double rate : {0.3, 1.0, 3.0, 7.0, 1234.5}) {
    Quotas quotas(for_all({.jobs_per_s = rate, .burst_jobs = 1}));
    Instant now = kStart;
    for (int i = 0; i < 100; ++i) {
      Status status = quotas.admit("a", 1, 0, now);
      if (!status) {
        ASSERT_GT(status.error().retry_after, Duration(0));
        now += status.error().retry_after;
        ASSERT_TRUE(quotas.admit("a", 1, 0, now)) << rate;
      }
    }
    EXPECT_NEAR(to_seconds(now - kStart) * rate, 99, 0.5) << rate;
  }
}

TEST(Quotas, ABatchAboveTheBurstIsTakenWhenTheAllowanceIsFullAndPaidOff) {
  Quotas quotas(for_all({.jobs_per_s = 10, .burst_jobs = 10}));
  EXPECT_TRUE(quotas.admit("a", 1, 0, kStart));
  EXPECT_EQ(quotas.admit("a", 100, 0, kStart).error().retry_after, milliseconds(100));
  EXPECT_TRUE(quotas.admit("a", 100, 0, kStart + milliseconds(100)));
  EXPECT_EQ(quotas.admit("a", 1, 0, kStart + milliseconds(100)).error().retry_after,
            seconds(9) + milliseconds(100));
}

TEST(Quotas, OpenJobsAndInputBytesAreRefusedByNameAndLimit) {
  Quotas quotas(for_all({.max_open_jobs = 3, .max_input_bytes = 100}));
  quotas.opened("a", 60);
  quotas.opened("a", 0);
  EXPECT_TRUE(quotas.admit("a", 1, 40, kStart));
  const Status jobs = quotas.admit("a", 2, 0, kStart);
  ASSERT_EQ(refusal(jobs), ErrorCode::kQuotaOpenJobs);
  EXPECT_EQ(jobs.error().message,
            "namespace 'a' may have 3 open jobs and has 2; these would be 2 more");
  EXPECT_EQ(refusal(quotas.admit("a", 1, 41, kStart)), ErrorCode::kQuotaInputBytes);
  EXPECT_EQ(refusal(quotas.admit("a", ~0ULL, 0, kStart)), ErrorCode::kQuotaOpenJobs);
  quotas.closed("a", 60);
  EXPECT_TRUE(quotas.admit("a", 2, 100, kStart));
}

TEST(Quotas, WhatIsRefusedCostsNothingOfTheAllowance) {
  Quotas quotas(for_all({.jobs_per_s = 1, .burst_jobs = 1, .max_open_jobs = 1}));
  quotas.opened("a", 0);
  EXPECT_EQ(refusal(quotas.admit("a", 1, 0, kStart)), ErrorCode::kQuotaOpenJobs);
  quotas.closed("a", 0);
  EXPECT_TRUE(quotas.admit("a", 1, 0, kStart));
}

TEST(Quotas, NamedNamespacesHaveTheirOwn) {
  QuotaSettings settings = for_all({.max_open_jobs = 1});
  settings.named["big"] = {.max_open_jobs = 10};
  Quotas quotas(std::move(settings));
  EXPECT_FALSE(quotas.admit("a", 2, 0, kStart));
  EXPECT_TRUE(quotas.admit("big", 10, 0, kStart));
  EXPECT_FALSE(quotas.admit("big", 11, 0, kStart));
}

TEST(Quotas, NamesThatClientsInventAreForgotten) {
  Quotas quotas(for_all({.jobs_per_s = 1, .burst_jobs = 1}));
  Instant now = kStart;
  for (int i = 0; i < 10'000; ++i) {
    now += milliseconds(100);
    ASSERT_TRUE(quotas.admit("ns" + std::to_string(i), 1, 0, now));
  }
  EXPECT_LT(quotas.accounts(), 50u) << "ten came in the time that an allowance takes to be full";
}

// ---- in the core

class QuotasInTheCore : public CoreWorld {
 protected:
  void with(QuotaSettings quotas) {
    settings.quotas = std::move(quotas);
    settings.probe_runs = 0;
    restart({});
    put_model();
  }
  Result<Reply> answer_to(std::vector<JobSpec> jobs) {
    apply(Submit{.ticket = ++tickets, .jobs = std::move(jobs)});
    return answers.at(tickets);
  }
};

TEST_F(QuotasInTheCore, ARefusedSubmitLeavesNothingAndIsToldToMetrics) {
  with(for_all({.max_open_jobs = 2}));
  submit(spec("a"));
  const auto refused = answer_to({spec("a"), spec("a")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kQuotaOpenJobs);
  EXPECT_EQ(list({}, {}, 10).jobs.size(), 1u);
  ASSERT_EQ(told<SubmitRefused>().size(), 1u);
  EXPECT_EQ(told<SubmitRefused>()[0].ns, "a");
  EXPECT_EQ(told<SubmitRefused>()[0].jobs, 2u);
  EXPECT_EQ(told<SubmitRefused>()[0].reason, "quota_open_jobs");
}

TEST_F(QuotasInTheCore, AJobThatEndsMakesRoomAndSoDoesOneThatIsCancelled) {
  with(for_all({.max_open_jobs = 1, .max_input_bytes = 5}));
  const JobId first = submit(spec());
  EXPECT_FALSE(answer_to({spec()}));
  const SessionId node = connect("n");
  finish(node, last_assigned(node));
  ASSERT_EQ(state(first), TaskState::kSucceeded);
  const JobId second = submit(spec());
  EXPECT_FALSE(answer_to({spec()}));
  apply(CancelJob{.ticket = ++tickets, .job = second});
  submit(spec());
}

TEST_F(QuotasInTheCore, TheSameRequestAgainIsAnsweredThoughTheQuotaIsUsedUp) {
  with(for_all({.jobs_per_s = 1, .burst_jobs = 1, .max_open_jobs = 1}));
  const auto request = [&] {
    apply(Submit{.ticket = ++tickets,
                 .jobs = {spec()},
                 .idempotency = IdempotencyKey{.key = "k", .request_digest = "d"}});
    return std::get<Submitted>(*answers.at(tickets));
  };
  const auto first = request();
  const auto again = request();
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.jobs, first.jobs);
}

TEST_F(QuotasInTheCore, RunningTasksAreBoundedAndTheRestWaitsWithoutHoldingUpOthers) {
  QuotaSettings quotas;
  quotas.named["a"] = {.max_running = 1};
  with(std::move(quotas));
  const SessionId node = connect("n");
  const JobId first = submit(spec("a"));
  const JobId second = submit(spec("a"));
  const JobId other = submit(spec("b"));
  EXPECT_EQ(state(first), TaskState::kLeased);
  EXPECT_EQ(state(second), TaskState::kReady);
  EXPECT_EQ(state(other), TaskState::kLeased);
  const QuotaView view = core->quotas().at(0);
  EXPECT_EQ(view.ns, "a");
  EXPECT_EQ(view.open_jobs, 2u);
  EXPECT_EQ(view.running, 1u);
  EXPECT_EQ(view.input_bytes, 10u);
  finish(node, sent<AssignAttempt>(node).front().attempt);
  EXPECT_EQ(state(second), TaskState::kLeased);
}

TEST_F(QuotasInTheCore, AShareGrowsAndShrinksWithTheSlotsThatAreThere) {
  with(for_all({.max_share = 0.5}));
  const SessionId first = connect("n1");  // two slots
  const JobId one = submit(spec());
  const JobId two = submit(spec());
  const JobId three = submit(spec());
  EXPECT_EQ(state(one), TaskState::kLeased);
  EXPECT_EQ(state(two), TaskState::kReady);
  connect("n2");
  EXPECT_EQ(state(two), TaskState::kLeased);
  EXPECT_EQ(state(three), TaskState::kReady);
  finish(first, sent<AssignAttempt>(first).front().attempt);
  EXPECT_EQ(state(three), TaskState::kLeased);
}

TEST_F(QuotasInTheCore, WhatIsKeptCountsInputsResultsAndModelsUntilTheyGo) {
  QuotaSettings quotas;
  quotas.named["a"] = {.max_stored_bytes = 100};
  settings.max_retained_jobs = 2;
  with(std::move(quotas));
  const SessionId node = connect("n");
  const auto stored_bytes = [&] { return core->quotas().at(0).stored_bytes; };
  submit(spec("a"));
  EXPECT_EQ(stored_bytes(), 5u);
  finish(node, last_assigned(node));  // its result, "output", stays
  EXPECT_EQ(stored_bytes(), 6u);
  ModelManifest manifest = core->model("m")->manifest;
  manifest.name = "a/own";
  manifest.variants[0].digest = "sha256:" + std::string(64, 'a');
  manifest.variants[0].artifact_bytes = 90;
  apply(PutModel{.ticket = ++tickets, .manifest = manifest});
  EXPECT_EQ(stored_bytes(), 96u);
  EXPECT_EQ(answer_to({spec("a")}).error().code, ErrorCode::kQuotaStoredBytes);
  manifest.variants[0].artifact_bytes = 95;
  apply(PutModel{.ticket = ++tickets, .manifest = manifest});
  EXPECT_EQ(answers.at(tickets).error().code, ErrorCode::kQuotaStoredBytes);
  restart(stored());
  EXPECT_EQ(stored_bytes(), 96u);
  apply(DeleteModel{.ticket = ++tickets, .name = "a/own"});
  EXPECT_EQ(stored_bytes(), 6u);
}

TEST_F(QuotasInTheCore, ModelsWithoutArtifactsKeepNothingWhateverTheyDeclare) {
  QuotaSettings quotas;
  quotas.named["a"] = {.max_stored_bytes = 100};
  with(std::move(quotas));
  ModelManifest manifest = core->model("m")->manifest;
  manifest.variants[0].artifact_bytes = std::uint64_t{1} << 63;
  for (const char* name : {"a/one", "a/two"}) {
    manifest.name = name;
    apply(PutModel{.ticket = ++tickets, .manifest = manifest});
    EXPECT_TRUE(answers.at(tickets));
  }
  apply(DeleteModel{.ticket = ++tickets, .name = "a/one"});
  EXPECT_TRUE(answers.at(tickets));
}

TEST_F(QuotasInTheCore, ATaskWhoseNodeIsGivenUpRunsNoMore) {
  with(for_all({.max_running = 1}));
  const SessionId lost = connect("lost");
  const JobId first = submit(spec());
  const JobId second = submit(spec());
  ASSERT_EQ(state(first), TaskState::kLeased);
  apply(SessionClosed{.session = lost});
  connect("other");
  EXPECT_EQ(state(second), TaskState::kReady) << "the first may come back";
  pass(seconds(2));
  EXPECT_TRUE(is_with_a_node(state(first)) != is_with_a_node(state(second)));
}

TEST_F(QuotasInTheCore, ARestartCountsAgain) {
  QuotaSettings quotas;
  quotas.named["a"] = {.max_open_jobs = 3, .max_running = 1};
  with(std::move(quotas));
  connect("n");
  for (int i = 0; i < 3; ++i) {
    submit(spec("a"));
  }
  restart(stored());
  EXPECT_EQ(core->quotas().at(0).open_jobs, 3u);
  EXPECT_EQ(core->quotas().at(0).running, 1u) << "its node may come back with it";
  EXPECT_EQ(core->quotas().at(0).input_bytes, 15u);
  EXPECT_TRUE(core->broken_invariants().empty());
  EXPECT_FALSE(answer_to({spec("a")}));
  const SessionId other = connect("m");
  EXPECT_TRUE(sent<AssignAttempt>(other).empty());
}

// ---- by class

TEST_F(QuotasInTheCore, BatchIsRefusedFirstAndInteractiveLast) {
  settings.max_open_jobs = 10;
  with({});
  const auto taken = [&](Urgency urgency) {
    JobSpec job = spec();
    job.urgency = urgency;
    int count = 0;
    while (answer_to({job})) {
      ++count;
    }
    EXPECT_EQ(answers.at(tickets).error().code, ErrorCode::kOverloaded);
    return count;
  };
  EXPECT_EQ(taken(Urgency::kBatch), 8);
  EXPECT_EQ(taken(Urgency::kNormal), 1);
  EXPECT_EQ(taken(Urgency::kInteractive), 1);
}

}  // namespace
}  // namespace skerry::core
