// Jobs of a site on their way to the controller: a core that brings, a core that takes, and a way between
// them that loses things while both restart.

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "tests/unit/core_world.h"

namespace skerry::core {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::size_t kMost = 100;
constexpr std::uint64_t kSiteEpoch = 1ULL << 23;

struct Side : CoreWorld {
  void TestBody() override {}
  using CoreWorld::answers;
  using CoreWorld::apply;
  using CoreWorld::connect;
  using CoreWorld::core;
  using CoreWorld::finish;
  using CoreWorld::last_assigned;
  using CoreWorld::now;
  using CoreWorld::pass;
  using CoreWorld::put_model;
  using CoreWorld::restart;
  using CoreWorld::sends;
  using CoreWorld::sent;
  using CoreWorld::settings;
  using CoreWorld::spec;
  using CoreWorld::start_agent;
  using CoreWorld::state;
  using CoreWorld::stored;
  using CoreWorld::submit;
  using CoreWorld::tickets;
  using CoreWorld::told;
};

struct Site : Side {
  Site() {
    settings.first_epoch = {kSiteEpoch};
    settings.brings_jobs = true;
    settings.probe_runs = 0;
    restart({});
    put_model();
  }
  JobId end_one() {
    const SessionId node = connect("shop-1");
    const JobId job = submit(spec());
    finish(node, last_assigned(node));
    return job;
  }
  std::optional<JobId> hand_over(JobId after = {}) {
    apply(HandOver{.ticket = ++tickets, .after = after, .most = kMost});
    return std::get<HandedOver>(*answers.at(tickets)).last;
  }
  // As its store has it.
  SiteJobRecords records(JobId id) const {
    const StoredState all = stored();
    SiteJobRecords found{.job = *std::ranges::find(all.jobs, id, &JobRecord::id),
                         .task = *std::ranges::find(all.tasks, id, &TaskRecord::id)};
    const auto result = std::ranges::find(all.results, id, &ResultRecord::id);
    if (result != all.results.end()) {
      found.result = *result;
    }
    return found;
  }
  std::vector<JobId> to_bring() const {
    std::vector<JobId> ids;
    for (const Job& job : core->jobs_to_bring({}, kMost)) {
      ids.push_back(job.id);
    }
    return ids;
  }
  void settle(const TakeSiteJob& taken) {
    apply(SiteJobSettled{.job = taken.job, .taken_as = taken.taken_as});
  }
};

struct Controller : Side {
  Controller() {
    settings.probe_runs = 0;
    restart({});
    put_model();
    session = start_agent("shop-1", "box", 1);
  }
  void come_back() {
    restart(stored());
    session = start_agent("shop-1", "box", 2);
  }
  TakeSiteJob take(SiteJobRecords job) {
    apply(SiteJobBrought{.session = session, .job = std::move(job)});
    return sent<TakeSiteJob>(session).back();
  }
  SessionId session;
};

TEST(SiteJobs, WhatEndedLongerAgoThanJobsAreRememberedIsRememberedFromNowOn) {
  Site site;
  Controller controller;
  const JobId theirs = site.end_one();
  controller.now += hours(25);
  controller.apply(AgentHeartbeat{.session = controller.session});
  const JobId ours = controller.take(site.records(theirs)).taken_as;
  ASSERT_NE(ours.value, 0u);
  EXPECT_NE(controller.core->find_job(ours), nullptr);
  controller.come_back();
  EXPECT_NE(controller.core->find_job(ours), nullptr);
  EXPECT_EQ(controller.take(site.records(theirs)).taken_as, ours);
  controller.pass(hours(24) + seconds(2));
  EXPECT_EQ(controller.core->find_job(ours), nullptr);
}

TEST(SiteJobs, WhatCannotBeRememberedAtAllIsTakenAndForgotten) {
  Site site;
  Controller controller;
  controller.settings.max_retained_jobs = 0;
  controller.come_back();
  EXPECT_NE(controller.take(site.records(site.end_one())).taken_as.value, 0u);
  controller.come_back();
  EXPECT_THAT(controller.stored().idempotency, IsEmpty());
}

TEST(SiteJobs, EndedByAClockThatIsAheadTheyEndedJustNow) {
  Site site;
  Controller controller;
  SiteJobRecords early = site.records(site.end_one());
  early.result->result.ended_at = Instant::max();
  const JobId ours = controller.take(early).taken_as;
  EXPECT_EQ(controller.core->find_job(ours)->result->ended_at, controller.now);
}

TEST(SiteJobs, WhatEndedAtTheSiteIsRecordedAsItEndedOnce) {
  Site site;
  Controller controller;
  const JobId ours = site.end_one();
  EXPECT_THAT(site.to_bring(), ElementsAre(ours));
  const TakeSiteJob first = controller.take(site.records(ours));
  const TakeSiteJob again = controller.take(site.records(ours));
  controller.come_back();
  const TakeSiteJob later = controller.take(site.records(ours));
  EXPECT_EQ(first.taken_as, again.taken_as);
  EXPECT_EQ(first.taken_as, later.taken_as);
  const Job* taken = controller.core->find_job(first.taken_as);
  ASSERT_NE(taken, nullptr);
  EXPECT_EQ(taken->state, TaskState::kSucceeded);
  EXPECT_EQ(taken->result->node_name, "shop-1");
  EXPECT_EQ(taken->spec.labels.at("skerry/site-job"), to_string(ours));
  EXPECT_EQ(taken->spec.labels.at("skerry/site-node"), "shop-1");
  EXPECT_THAT(controller.told<JobEnded>(), SizeIs(1));
  EXPECT_EQ(controller.core->node("shop-1")->brought_jobs, 0u);  // since its last hello
}

TEST(SiteJobs, ATakenJobIsKnownAtTheSiteByTheControllersIdAndNotBroughtAgain) {
  Site site;
  Controller controller;
  const JobId ours = site.end_one();
  const TakeSiteJob taken = controller.take(site.records(ours));
  site.settle(taken);
  site.restart(site.stored());
  EXPECT_THAT(site.to_bring(), IsEmpty());
  EXPECT_EQ(site.core->find_job(ours)->taken_as, taken.taken_as);
  EXPECT_EQ(site.core->queue_stats(site.now).retained, 1u);
}

TEST(SiteJobs, WhatWaitsToBeBroughtIsNeitherForgottenNorPastTheLimit) {
  Site site;
  site.settings.retention = seconds(1);
  site.settings.max_open_jobs = 2;
  site.restart(site.stored());
  const JobId first = site.end_one();
  const JobId second = site.end_one();
  site.pass(hours(1));
  EXPECT_THAT(site.to_bring(), ElementsAre(first, second));
  site.apply(Submit{.ticket = ++site.tickets, .jobs = {Side::spec()}});
  EXPECT_EQ(site.answers.at(site.tickets).error().code, ErrorCode::kOverloaded);
  site.settle({.job = first, .taken_as = {{1}}, .error = {}});
  site.pass(seconds(2));
  EXPECT_EQ(site.core->find_job(first), nullptr);
  EXPECT_NE(site.core->find_job(second), nullptr);
}

TEST(SiteJobs, WhatHasNotBegunIsHeldBackUntilTheControllerHasIt) {
  Site site;
  Controller controller;
  const JobId ours = site.submit(Side::spec());
  EXPECT_EQ(site.hand_over(), ours);
  const SessionId node = site.connect("shop-1");  // which could run it now
  EXPECT_THAT(site.sent<AssignAttempt>(node), IsEmpty());
  site.restart(site.stored());
  const SessionId later = site.connect("shop-1");
  EXPECT_THAT(site.sent<AssignAttempt>(later), IsEmpty());
  EXPECT_THAT(site.to_bring(), ElementsAre(ours));
  const TakeSiteJob taken = controller.take(site.records(ours));
  site.settle(taken);
  EXPECT_EQ(site.state(ours), TaskState::kMoved);
  EXPECT_EQ(controller.state(taken.taken_as), TaskState::kLeased);
  EXPECT_THAT(site.to_bring(), IsEmpty());
}

TEST(SiteJobs, WhatTheControllerRefusesRunsAtTheSite) {
  Site site;
  Controller controller;
  controller.apply(DeleteModel{.name = "m"});
  const JobId ours = site.submit(Side::spec());
  site.hand_over();
  const TakeSiteJob refused = controller.take(site.records(ours));
  EXPECT_EQ(refused.taken_as.value, 0u);
  EXPECT_THAT(refused.error, HasSubstr("'m'"));
  site.settle(refused);
  const SessionId node = site.connect("shop-1");
  EXPECT_THAT(site.sent<AssignAttempt>(node), SizeIs(1));
  EXPECT_EQ(site.hand_over(), std::nullopt);  // it would be refused again
  site.finish(node, site.last_assigned(node));
  EXPECT_THAT(site.to_bring(), IsEmpty());
}

TEST(SiteJobs, WhoWaitsOrHurriesOrHasAStateHereStays) {
  Site site;
  JobSpec hurried = Side::spec();
  hurried.urgency = Urgency::kInteractive;
  JobSpec sequential = Side::spec();
  sequential.sequence = "s";
  site.submit(hurried);
  site.submit(sequential);
  site.apply(Submit{
      .ticket = ++site.tickets, .jobs = {Side::spec()}, .wait_until = site.now + seconds(60)});
  EXPECT_EQ(site.hand_over(), std::nullopt);
}

TEST(SiteJobs, ADeadlineOfWhatIsHeldBackIsTheControllersToKeep) {
  Site site;
  JobSpec urgent = Side::spec();
  urgent.constraints.deadline = site.now + seconds(5);
  const JobId ours = site.submit(urgent);
  site.hand_over();
  site.pass(seconds(10));
  EXPECT_EQ(site.state(ours), TaskState::kReady);
  site.settle({.job = ours, .taken_as = {}, .error = "no"});
  site.pass(seconds(1));
  EXPECT_EQ(site.state(ours), TaskState::kExpired);
}

TEST(SiteJobs, WhatCannotBeSoIsRefused) {
  Site site;
  Controller controller;
  const SiteJobRecords good = site.records(site.end_one());
  SiteJobRecords unfinished = good;
  unfinished.result.reset();
  SiteJobRecords contradiction = good;
  contradiction.task.state = TaskState::kFailed;  // without an error
  SiteJobRecords running = good;
  running.result.reset();
  running.task.state = TaskState::kRunning;
  SiteJobRecords foreign = good;
  foreign.job.spec.ns = "@site";
  for (const SiteJobRecords& bad : {unfinished, contradiction, running, foreign}) {
    EXPECT_EQ(controller.take(bad).taken_as.value, 0u);
  }
  EXPECT_EQ(controller.core->queue_stats(controller.now).retained, 0u);
}

TEST(SiteJobs, OrdersFollowModelsAndPolicyForThoseWhoWantThem) {
  Controller controller;
  AgentHello hello{.session = {77}, .identity = "other", .incarnation = 1};
  hello.node = {.name = "shop-2", .engines = {"torch"}, .slots = 1, .memory_bytes = 1u << 30};
  hello.site_api = true;
  controller.apply(hello);
  controller.put_model("n");
  controller.apply(ChangePolicy{
      .ticket = ++controller.tickets, .name = "jsq", .action = PolicyAction::kPromote});
  controller.apply(DeleteModel{.ticket = ++controller.tickets, .name = "m"});
  const auto orders = controller.sent<GiveOrders>({77});
  ASSERT_THAT(orders, SizeIs(4));
  EXPECT_THAT(orders[0].models, SizeIs(1));
  EXPECT_THAT(orders[1].models, SizeIs(2));
  EXPECT_EQ(orders[2].policy, "jsq");
  ASSERT_THAT(orders[3].models, SizeIs(1));
  EXPECT_EQ(orders[3].models[0].name, "n");
  EXPECT_THAT(controller.sent<GiveOrders>(controller.session), IsEmpty());
}

// What is said may get lost either way, be said twice, and come late; both sides restart at any time.
RC_GTEST_PROP(SiteJobs, EachEndsOnceAndIsTakenOnce, ()) {
  Site site;
  Controller controller;
  SessionId node = site.connect("shop-1", 2);
  std::set<JobId> all;
  std::vector<TakeSiteJob> answers;  // on their way back
  const int steps = *rc::gen::inRange(20, 120);
  for (int step = 0; step < steps; ++step) {
    switch (*rc::gen::inRange(0, 8)) {
      case 0:
      case 1:
        all.insert(site.submit(Side::spec()));
        break;
      case 2:
        if (const auto assigned = site.sent<AssignAttempt>(node); !assigned.empty()) {
          site.finish(node, assigned[*rc::gen::inRange<std::size_t>(0, assigned.size())].attempt);
        }
        break;
      case 3:
        site.hand_over();
        break;
      case 4:
        for (const JobId id : site.to_bring()) {
          if (*rc::gen::arbitrary<bool>()) {
            answers.push_back(controller.take(site.records(id)));
          }
        }
        break;
      case 5:
        for (const TakeSiteJob& answer : answers) {
          if (*rc::gen::arbitrary<bool>()) {
            site.settle(answer);
          }
        }
        break;
      case 6:
        controller.come_back();
        break;
      default:
        site.sends.clear();
        site.restart(site.stored());
        node = site.connect("shop-1", 2);
        break;
    }
  }
  for (int round = 0; round < 400 && !all.empty(); ++round) {  // healed
    for (const AssignAttempt& assigned : site.sent<AssignAttempt>(node)) {
      site.finish(node, assigned.attempt);
    }
    site.hand_over();
    for (const JobId id : site.to_bring()) {
      site.settle(controller.take(site.records(id)));
    }
    std::erase_if(all, [&](JobId id) { return site.core->find_job(id)->taken_as.value != 0; });
  }
  RC_ASSERT(all.empty());
  std::set<std::string> seen;
  for (const JobRecord& taken : controller.stored().jobs) {
    RC_ASSERT(seen.insert(taken.spec.labels.at("skerry/site-job")).second);
    const JobId theirs = *parse_job_id(taken.spec.labels.at("skerry/site-job"));
    // What moved never ran there (and nothing succeeds here); what ran there stands here as it ended.
    const TaskState there = site.state(theirs);
    const TaskState here = controller.state(taken.id);
    RC_ASSERT((there == TaskState::kMoved ? here != TaskState::kSucceeded : here == there));
  }
}

}  // namespace
}  // namespace skerry::core
