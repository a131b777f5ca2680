// Records survive the way to bytes and back; damaged bytes are refused.

#include <gtest/gtest.h>

#include <limits>

#include "controller/records/codec.h"
#include "controller/records/site_job.h"
#include "controller/store/memory_store.h"

namespace skerry::records {
namespace {

using store::Table;

core::JobRecord full_job() {
  core::JobRecord job{
      .id = JobId::make({3}, 7), .spec = {}, .submitted_at = instant_from_us(1'000'001)};
  job.spec.ns = "vision";
  job.spec.model = "digits";
  job.spec.inputs = Payload::inlined(std::string("a\0b", 3));
  job.spec.preference = *scheduler::preset("green");
  job.spec.preference_name = "green";
  job.spec.constraints = {.deadline = instant_from_us(5'000'000),
                          .tiers = {scheduler::Tier::kEdge, scheduler::Tier::kCloud},
                          .site = "shop",
                          .labels = {{"zone", "a"}},
                          .node = "edge-1",
                          .variants = {"small"},
                          .max_energy_j = 2.5,
                          .max_cost_usd = 0.0,
                          .min_accuracy = 0.9};
  job.spec.urgency = core::Urgency::kInteractive;
  job.spec.sequence = "s1";
  job.spec.labels = {{"team", "x"}};
  return job;
}

core::TaskRecord full_task(JobId id) {
  return {.id = id,
          .state = core::TaskState::kLeased,
          .attempts = 2,
          .live = {{.number = 2,
                    .uid = {1, 2},
                    .node_name = "edge-1",
                    .variant_name = "small",
                    .leased_at = instant_from_us(77),
                    .predicted = {.latency_s = 0.5, .energy_j = 1, .cost_usd = 2, .error = 0.1}}},
          .excluded_nodes = {"edge-2"},
          .retries = {.infrastructure = 1, .crashes = 1},
          .ready_at = instant_from_us(99),
          .version = 5};
}

core::ResultRecord full_result(JobId id) {
  core::ResultRecord record{.id = id, .result = {}};
  record.result.attempt = 2;
  record.result.node_name = "edge-1";
  record.result.variant_name = "small";
  record.result.output = Payload::stored("sha256:" + std::string(64, 'a'), 1 << 20);
  record.result.error = Error{ErrorCode::kModelFailed, "no", {{"/inputs/x", "wrong"}}};
  record.result.usage = {.queue = Duration(1),
                         .fetch = Duration(2),
                         .load = Duration(3),
                         .service = Duration(4),
                         .energy_j = 0.5,
                         .energy_source = "rapl",
                         .cost_usd = 0.25};
  record.result.actual = {.latency_s = 1, .energy_j = 2, .cost_usd = 3, .error = 4};
  record.result.ended_at = instant_from_us(123);
  return record;
}

void commit(store::MemoryStore& store, const std::vector<core::RecordWrite>& writes) {
  store.append(encode(writes));
  store.sync();
}

TEST(Records, AJobItsTaskAndItsResultComeBackAsTheyWere) {
  store::MemoryStore store;
  const auto job = full_job();
  const auto task = full_task(job.id);
  const auto result = full_result(job.id);
  commit(store,
         {job, task, result, core::MetaRecord{{9}, {"jsq", "1"}},
          core::IdempotencyRecord{"vision", "key", "digest", {job.id, JobId::make({3}, 8)}}});
  const auto state = load(store);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->meta.epoch, Epoch{9});
  EXPECT_EQ(state->meta.policy.name, "jsq");
  ASSERT_EQ(state->jobs.size(), 1u);
  const auto& spec = state->jobs[0].spec;
  EXPECT_EQ(state->jobs[0].id, job.id);
  EXPECT_EQ(state->jobs[0].submitted_at, job.submitted_at);
  EXPECT_EQ(*spec.inputs.bytes, *job.spec.inputs.bytes);
  EXPECT_EQ(spec.preference, job.spec.preference);
  EXPECT_EQ(spec.constraints, job.spec.constraints);
  EXPECT_EQ(spec.urgency, job.spec.urgency);
  EXPECT_EQ(spec.labels, job.spec.labels);
  EXPECT_EQ(spec.sequence, "s1");
  ASSERT_EQ(state->tasks.size(), 1u);
  EXPECT_EQ(state->tasks[0].live[0].uid, (AttemptUid{1, 2}));
  EXPECT_EQ(state->tasks[0].live[0].predicted, task.live[0].predicted);
  EXPECT_EQ(state->tasks[0].excluded_nodes, task.excluded_nodes);
  EXPECT_EQ(state->tasks[0].retries, task.retries);
  EXPECT_EQ(state->tasks[0].version, 5u);
  ASSERT_EQ(state->results.size(), 1u);
  EXPECT_EQ(state->results[0].result.error, result.result.error);
  EXPECT_EQ(state->results[0].result.usage, result.result.usage);
  EXPECT_EQ(state->results[0].result.output.blob, result.result.output.blob);
  EXPECT_EQ(state->results[0].result.output.size_bytes, result.result.output.size_bytes);
  ASSERT_EQ(state->idempotency.size(), 1u);
  EXPECT_EQ(state->idempotency[0].key, "key");
  EXPECT_EQ(state->idempotency[0].jobs.size(), 2u);
}

TEST(Records, NodesAndModelsComeBackAsTheyWere) {
  store::MemoryStore store;
  const core::NodeRecord node{
      .id = {4},
      .spec = {.name = "edge-1",
               .tier = scheduler::Tier::kDevice,
               .site = "shop",
               .labels = {{"a", "b"}},
               .engines = {"torch"},
               .slots = 3,
               .memory_bytes = 1 << 30,
               .speed = 0.5,
               .power = {.idle_w = 1, .busy_w = 2, .transfer_j_per_byte = 3e-9},
               .price_usd_per_hour = 0.01,
               .rtt_s = 0.04,
               .bandwidth_bytes_per_s = 2.5e6},
      .incarnation = 12,
      .cordoned = true,
      .draining = false,
      .enrolled_at = instant_from_us(5)};
  ModelManifest manifest{.name = "echo", .description = "", .engine = "noop"};
  manifest.inputs.push_back({.name = "x", .kind = InputKind::kTensor, .shape = {-1}});
  manifest.outputs.push_back({.name = "x", .kind = OutputKind::kTensor});
  manifest.variants.push_back({.name = "only", .accuracy = 1});
  commit(store, {node, core::ModelRecord{3, manifest}});
  const auto state = load(store);
  ASSERT_TRUE(state) << state.error().message;
  ASSERT_EQ(state->nodes.size(), 1u);
  EXPECT_EQ(state->nodes[0].spec, node.spec);
  EXPECT_EQ(state->nodes[0].incarnation, 12u);
  EXPECT_TRUE(state->nodes[0].cordoned);
  ASSERT_EQ(state->models.size(), 1u);
  EXPECT_EQ(state->models[0].revision, 3u);
  EXPECT_EQ(manifest_to_json(state->models[0].manifest), manifest_to_json(manifest));
}

TEST(Records, ADecisionComesBackWithItsReasonsByName) {
  core::DecisionRecord decision{.job = JobId::make({1}, 2),
                                .attempt = 3,
                                .at = instant_from_us(8),
                                .policy = "greedy",
                                .policy_version = "1",
                                .preference = *scheduler::preset("fast")};
  decision.candidates.push_back(
      {.node = "n", .variant = "v", .prediction = {.wait_s = 1, .service_s = 2}, .score = 0.5});
  decision.masked[static_cast<std::size_t>(scheduler::MaskReason::kTier)] = 6;
  const auto batch = encode({decision});
  ASSERT_EQ(batch.size(), 1u);
  const auto back = decode_decision(batch[0].key, *batch[0].value);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->job, decision.job);
  EXPECT_EQ(back->attempt, 3u);
  EXPECT_EQ(back->masked, decision.masked);
  EXPECT_EQ(back->candidates[0].score, 0.5);
  EXPECT_EQ(back->preference, decision.preference);
}

TEST(Records, WhatScoringADecisionAgainTakesComesBack) {
  core::DecisionRecord decision{.job = JobId::make({1}, 2),
                                .attempt = 1,
                                .hedge_reason = "the first was late",
                                .preference = *scheduler::preset("fast"),
                                .model = "m",
                                .input_bytes = 12,
                                .deadline_left_s = 0.25,
                                .waiting = 11,
                                .scale = {.ideal = {1, 2, 3, 0.1}, .nadir = {2, 4, 5, 0.6}},
                                .trend = {.slots = 5,
                                          .slow_load = 0.1,
                                          .fast_load = 0.2,
                                          .least_load = 0.3,
                                          .slow_taken = 0.4,
                                          .fast_taken = 0.5,
                                          .delay_price = 0.6,
                                          .timed = 0.7,
                                          .urgency = 0.8,
                                          .preference = {0.1, 0.2, 0.3, 0.4}},
                                .considered = 9};
  decision.candidates.push_back({.node = "n",
                                 .variant = "v",
                                 .prediction = {.objectives = {1.5, 2, 4, 0.35}},
                                 .facts = {.node = {7},
                                           .variant = {3},
                                           .tier = scheduler::Tier::kCloud,
                                           .slots = 4,
                                           .outstanding = 2,
                                           .capacity = 6,
                                           .backlog_s = 0.5,
                                           .rtt_s = 0.01,
                                           .bandwidth_bytes_per_s = 1e6,
                                           .busy_w = 10,
                                           .measured_w = 7,
                                           .transfer_j_per_byte = 1e-8,
                                           .price_usd_per_s = 1e-4,
                                           .node_memory_bytes = 1 << 20,
                                           .variant_memory_bytes = 1 << 10,
                                           .resident = true}});
  decision.shadows = {{.policy = {"a", "1"}, .chosen = 0}, {.policy = {"b", "2"}, .chosen = {}}};
  const auto batch = encode({decision});
  const auto back = decode_decision(batch[0].key, *batch[0].value);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->candidates[0].facts, decision.candidates[0].facts);
  EXPECT_EQ(back->candidates[0].normalised,
            decision.scale.normalise(decision.candidates[0].prediction.objectives));
  EXPECT_EQ(back->hedge_reason, "the first was late");
  EXPECT_EQ(back->deadline_left_s, 0.25);
  EXPECT_EQ(back->waiting, 11u);
  EXPECT_EQ(back->trend, decision.trend);
  EXPECT_EQ(back->considered, 9u);
  EXPECT_EQ(back->shadows[0].policy, (core::PolicyRef{"a", "1"}));
  EXPECT_EQ(back->shadows[0].chosen, 0u);
  EXPECT_FALSE(back->shadows[1].chosen);
}

TEST(Records, PoliciesAndWhatTheyAreUsedForComeBack) {
  store::MemoryStore store;
  const auto bytes = std::make_shared<const std::string>("{bundle}");
  commit(store, {core::PolicyRecord{{"fleet", "ab"}, 4, instant_from_us(9), bytes},
                 core::PolicyRecord{{"fleet", "cd"}, 5, instant_from_us(10), bytes, true},
                 core::MetaRecord{.epoch = {2},
                                  .policy = {"fleet", "cd"},
                                  .previous_policy = core::PolicyRef{"greedy", "1"},
                                  .shadows = {{"fleet", "ab"}},
                                  .operator_chose = true}});
  auto state = load(store);
  ASSERT_TRUE(state) << state.error().message;
  ASSERT_EQ(state->policies.size(), 2u);
  EXPECT_EQ(state->policies[1].ref, (core::PolicyRef{"fleet", "cd"}));
  EXPECT_EQ(state->policies[1].number, 5u);
  EXPECT_FALSE(state->policies[0].offered);
  EXPECT_TRUE(state->policies[1].offered);
  EXPECT_EQ(*state->policies[1].bundle, "{bundle}");
  EXPECT_EQ(state->meta.policy, (core::PolicyRef{"fleet", "cd"}));
  EXPECT_EQ(state->meta.previous_policy, (core::PolicyRef{"greedy", "1"}));
  EXPECT_EQ(state->meta.shadows, (std::vector<core::PolicyRef>{{"fleet", "ab"}}));
  EXPECT_TRUE(state->meta.operator_chose);
  commit(store, {core::DeletePolicyRecord{{"fleet", "ab"}}});
  EXPECT_EQ(load(store)->policies.size(), 1u);
}

TEST(Records, ForgettingAJobRemovesAllThatBelongsToIt) {
  store::MemoryStore store;
  const auto job = full_job();
  core::DecisionRecord decision{.job = job.id, .attempt = 1};
  commit(store, {job, full_task(job.id), full_result(job.id), decision});
  commit(store, {core::DeleteRecords{job.id, 2}});
  for (const auto table : {Table::kJob, Table::kTask, Table::kResult, Table::kDecision}) {
    EXPECT_TRUE(store.scan(table, "", 10)->empty());
  }
}

TEST(Records, ATableThatDoesNotDecodeIsRefusedNotSkipped) {
  store::MemoryStore store;
  store.append({{Table::kTask, job_key(JobId::make({1}, 1)), "\xff\xff not a task"}});
  store.sync();
  const auto state = load(store);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, ErrorCode::kCorrupt);
}

TEST(Records, TextsOfAnyBytesComeBack) {
  store::MemoryStore store;
  const std::string text = "\xff";
  commit(store,
         {core::AuditRecord{.seq = 1, .line = text, .hash = std::string(32, 'h'), .seal = "s"}});
  EXPECT_EQ(load(store)->audit_last->line, text);
}

TEST(Records, ABroughtJobWithMoreAttemptsThanAJobCanHaveIsRefused) {
  const core::JobRecord job = full_job();
  core::SiteJobRecords brought{.job = job, .task = full_task(job.id), .result = std::nullopt};
  EXPECT_TRUE(decode_site_job(encode_site_job(brought)));
  brought.task.attempts = std::numeric_limits<std::uint32_t>::max();
  EXPECT_FALSE(decode_site_job(encode_site_job(brought)));
}

TEST(Records, ABroughtJobWhoseTextsAreNoneIsRefusedAndPayloadsMayBeAnything) {
  const core::JobRecord job = full_job();
  core::SiteJobRecords brought{
      .job = job, .task = full_task(job.id), .result = full_result(job.id)};
  brought.result->result.output = Payload::inlined("\xff");
  EXPECT_TRUE(decode_site_job(encode_site_job(brought)));
  for (std::string* text :
       {&brought.job.spec.sequence, &brought.job.spec.labels["a"], &brought.task.excluded_nodes[0],
        &brought.result->result.variant_name, &brought.result->result.usage.energy_source}) {
    const std::string before = std::exchange(*text, "\xff");
    EXPECT_FALSE(decode_site_job(encode_site_job(brought)));
    *text = before;
  }
}

TEST(Records, KeysSortLikeIds) {
  EXPECT_LT(job_key(JobId::make({1}, 255)), job_key(JobId::make({1}, 256)));
  EXPECT_LT(job_key(JobId::make({1}, 999)), job_key(JobId::make({2}, 1)));
  EXPECT_LT(decision_key(JobId::make({1}, 1), 2), decision_key(JobId::make({1}, 1), 10));
}

}  // namespace
}  // namespace skerry::records
