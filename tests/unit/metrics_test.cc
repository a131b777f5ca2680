// Tests of the controller's metrics: what is observed appears under its documented name, and labels
// stay bounded.
#include "controller/metrics/metrics.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/metrics/families.h"
#include "controller/metrics/label_limit.h"

namespace skerry::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

core::JobEnded ended(const std::string& model, const std::string& node) {
  core::JobEnded job{
      .ns = "default", .model = model, .node = node, .variant = "small", .preference = "fast"};
  job.total = milliseconds(30);
  job.usage = {.load = milliseconds(200), .service = milliseconds(3), .energy_source = "modelled"};
  job.predicted = {.latency_s = 0.02, .energy_j = 1, .cost_usd = 0.5, .error = 0.04};
  job.actual = {.latency_s = 0.03, .energy_j = 1.5, .cost_usd = 0.25, .error = 0.04};
  return job;
}

TEST(LabelLimit, KeepsTheFirstNamesAndCallsTheRestOther) {
  LabelLimit limit(2);
  EXPECT_EQ(limit("a"), "a");
  EXPECT_EQ(limit("b"), "b");
  EXPECT_EQ(limit("c"), "other");
  EXPECT_EQ(limit("a"), "a");
}

TEST(Decades, GoesThroughOneTwoFive) {
  EXPECT_THAT(decades(1, 20), testing::ElementsAre(1, 2, 5, 10, 20));
}

TEST(Metrics, CountsAnEndedJobInBaseUnits) {
  Metrics metrics;
  metrics.observe(ended("digits", "edge-1"));
  const std::string text = metrics.scrape({});
  EXPECT_THAT(
      text,
      HasSubstr(
          "skerry_jobs_ended_total{model=\"digits\",namespace=\"default\",state=\"SUCCEEDED\"} 1"));
  EXPECT_THAT(text, HasSubstr("namespace=\"default\",state=\"EXPIRED\"} 0"))
      << "the first one counts for rate(), too";
  EXPECT_THAT(text, HasSubstr("skerry_job_duration_seconds_bucket{model=\"digits\",state="
                              "\"SUCCEEDED\",le=\"0.05\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_job_duration_seconds_bucket{model=\"digits\",state="
                              "\"SUCCEEDED\",le=\"0.01\"} 0"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "skerry_energy_joules_total{model=\"digits\",node=\"edge-1\",source=\"modelled\"} 1.5"));
  EXPECT_THAT(text, HasSubstr("skerry_cost_dollars_total{model=\"digits\",node=\"edge-1\"} 0.25"));
  EXPECT_THAT(
      text,
      HasSubstr("skerry_model_load_duration_seconds_sum{model=\"digits\",variant=\"small\"} 0.2"));
  EXPECT_THAT(text,
              HasSubstr("skerry_prediction_ratio_sum{model=\"digits\",objective=\"latency\"} 1.5"));
  EXPECT_THAT(text, HasSubstr("skerry_predicted_total{model=\"digits\",objective=\"energy\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_actual_total{model=\"digits\",objective=\"energy\"} 1.5"));
}

TEST(Metrics, SumsWhatJobsTookByNodeAndByVariant) {
  Metrics metrics;
  metrics.observe(ended("digits", "edge-1"));
  metrics.observe(ended("digits", "edge-2"));
  core::JobEnded failed = ended("digits", "edge-2");
  failed.state = core::TaskState::kFailed;
  metrics.observe(failed);
  const std::string text = metrics.scrape({});
  EXPECT_THAT(text, HasSubstr("skerry_node_succeeded_jobs_total{node=\"edge-2\"} 1"));
  EXPECT_THAT(text,
              HasSubstr("skerry_node_actual_total{node=\"edge-2\",objective=\"energy\"} 1.5"));
  EXPECT_THAT(
      text, HasSubstr("skerry_variant_succeeded_jobs_total{model=\"digits\",variant=\"small\"} 2"));
  EXPECT_THAT(text, HasSubstr("skerry_variant_actual_total{model=\"digits\",objective=\"cost\","
                              "variant=\"small\"} 0.5"));
}

TEST(Metrics, CountsDecisionsByPolicyAndOutcome) {
  Metrics metrics;
  core::DecisionMade decision{.model = "digits",
                              .policy = "greedy",
                              .placed = true,
                              .waited = milliseconds(2),
                              .took = microseconds(8)};
  metrics.observe(decision);
  decision.placed = false;
  metrics.observe(decision);
  const std::string text = metrics.scrape({});
  EXPECT_THAT(text, HasSubstr("skerry_decisions_total{outcome=\"placed\",policy=\"greedy\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_decisions_total{outcome=\"none\",policy=\"greedy\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_decision_duration_seconds_count{policy=\"greedy\"} 2"));
  EXPECT_THAT(text, HasSubstr("skerry_queue_wait_seconds_count{model=\"digits\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_attempts_total{model=\"digits\"} 1"));
}

TEST(Metrics, CountsSecondAttemptsWithWhatTheyCostAndNoTransition) {
  Metrics metrics;
  metrics.observe(core::HedgeLooked{.model = "digits", .verdict = core::HedgeVerdict::kNotWorth});
  metrics.observe(core::HedgeLooked{.model = "digits", .verdict = core::HedgeVerdict::kMade});
  metrics.observe(
      core::JobChanged{.model = "digits", .state = core::TaskState::kRunning, .same_state = true});
  metrics.observe(core::HedgeEnded{.model = "digits", .end = core::HedgeEnd::kWon, .spent_j = 1.5});
  const std::string text = metrics.scrape({});
  EXPECT_THAT(text, HasSubstr("skerry_hedge_looks_total{verdict=\"not_worth\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_hedge_looks_total{verdict=\"made\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_hedges_total{result=\"won\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_hedge_energy_joules_total{model=\"digits\"} 1.5"));
  EXPECT_THAT(text, HasSubstr("skerry_attempts_total{model=\"digits\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_job_transitions_total{state=\"RUNNING\"} 0"));
}

TEST(Metrics, CountsTransitionsFailuresAndSyncs) {
  Metrics metrics;
  metrics.observe(core::JobChanged{.model = "digits", .state = core::TaskState::kLeased});
  metrics.observe(core::AttemptFailed{.reason = "crashed", .retried = true});
  metrics.observe(core::NodeChanged{.node = "edge-1", .state = "SUSPECT"});
  metrics.observe(core::ModelChanged{.model = "digits", .change = "tripped"});
  metrics.observe_sync(microseconds(120), 7, 4096);
  metrics.observe_request("GET", "/api/v1/jobs/{id}", 404, microseconds(80));
  const std::string text = metrics.scrape({});
  EXPECT_THAT(text, HasSubstr("skerry_job_transitions_total{state=\"LEASED\"} 1"));
  EXPECT_THAT(text, Not(HasSubstr("skerry_attempts_total{")))
      << "a node that is heard of again makes its tasks LEASED, too";
  EXPECT_THAT(text,
              HasSubstr("skerry_attempt_failures_total{reason=\"crashed\",retried=\"true\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_node_changes_total{state=\"SUSPECT\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_model_changes_total{change=\"tripped\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_store_sync_batches_bucket{le=\"8\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_store_written_bytes_total 4096"));
  EXPECT_THAT(text, HasSubstr("skerry_http_requests_total{method=\"GET\",route=\"/api/v1/jobs/"
                              "{id}\",status=\"404\"} 1"));
}

TEST(Metrics, GaugesFollowTheStateAndForgetNodesThatAreGone) {
  Metrics metrics;
  Gauges gauges;
  gauges.now = Instant(seconds(100));
  gauges.queue.running = 3;
  core::NodeView node;
  node.spec.name = "edge-1";
  node.state = core::NodeState::kSuspect;
  node.cordoned = true;
  node.last_heartbeat = Instant(seconds(96));
  gauges.nodes = {node};
  const std::string text = metrics.scrape(gauges);
  EXPECT_THAT(text, HasSubstr("skerry_queue_jobs{state=\"RUNNING\"} 3"));
  EXPECT_THAT(text, HasSubstr("skerry_node_state{node=\"edge-1\",state=\"SUSPECT\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_node_state{node=\"edge-1\",state=\"READY\"} 0"));
  EXPECT_THAT(text, HasSubstr("skerry_node_cordoned{node=\"edge-1\"} 1"));
  EXPECT_THAT(text, HasSubstr("skerry_node_heartbeat_age_seconds{node=\"edge-1\"} 4"));
  EXPECT_THAT(text, HasSubstr("skerry_build_info{"));

  EXPECT_THAT(text, Not(HasSubstr("skerry_node_gpu_busy_ratio{")));

  gauges.nodes.clear();
  EXPECT_THAT(metrics.scrape(gauges), Not(HasSubstr("edge-1")));
}

TEST(Metrics, ANodeIsToldWithItsSiteAndTheEndOfItsCertificate) {
  Metrics metrics({.node_certificate_life = hours(24)});
  Gauges gauges;
  core::NodeView node;
  node.spec.name = "edge-1";
  node.spec.site = "shop-1";
  node.certified_at = Instant(seconds(1000));
  gauges.nodes = {node};
  const std::string text = metrics.scrape(gauges);
  EXPECT_THAT(text, HasSubstr("skerry_node_info{node=\"edge-1\",site=\"shop-1\",tier=\"edge\"} 1"));
  EXPECT_THAT(text,
              HasSubstr("skerry_node_certificate_expiry_timestamp_seconds{node=\"edge-1\"} 87400"));

  gauges.nodes[0].spec.site = "shop-2";
  gauges.nodes[0].certified_at.reset();
  const std::string moved = metrics.scrape(gauges);
  EXPECT_THAT(moved, Not(HasSubstr("shop-1")));
  EXPECT_THAT(moved, HasSubstr("site=\"shop-2\""));
  EXPECT_THAT(moved, Not(HasSubstr("skerry_node_certificate_expiry_timestamp_seconds{")));
}

TEST(Metrics, TheNodesThatShareALabelLeaveNothingBehind) {
  Metrics metrics({.max_nodes = 1});
  Gauges gauges;
  for (const char* name : {"edge-1", "edge-2", "edge-3"}) {
    core::NodeView node;
    node.spec.name = name;
    node.spec.site = fmt::format("site-of-{}", name);
    gauges.nodes.push_back(node);
  }
  EXPECT_THAT(metrics.scrape(gauges), HasSubstr("site-of-edge-2"));
  gauges.nodes.clear();
  EXPECT_THAT(metrics.scrape(gauges), Not(HasSubstr("site-of-")));
}

TEST(Metrics, TheGpusOfANodeAreToldWhileItIsConnectedAndHasOne) {
  Metrics metrics;
  Gauges gauges;
  core::NodeView node;
  node.spec.name = "cloud-1";
  node.connected = true;
  node.telemetry.gpu_fraction = 0.25;
  node.telemetry.gpu_memory_used_bytes = 5;
  node.telemetry.gpu_memory_total_bytes = 80;
  gauges.nodes = {node};
  const std::string text = metrics.scrape(gauges);
  EXPECT_THAT(text, HasSubstr("skerry_node_gpu_busy_ratio{node=\"cloud-1\"} 0.25"));
  EXPECT_THAT(text, HasSubstr("skerry_node_gpu_memory_used_bytes{node=\"cloud-1\"} 5"));
  EXPECT_THAT(text, HasSubstr("skerry_node_gpu_memory_bytes{node=\"cloud-1\"} 80"));

  gauges.nodes[0].connected = false;
  EXPECT_THAT(metrics.scrape(gauges), Not(HasSubstr("skerry_node_gpu_busy_ratio{")));
}

TEST(Metrics, LabelsStayBoundedHoweverManyModelsThereAre) {
  Metrics metrics(
      {.max_models = 3, .max_variants = 3, .max_nodes = 3, .max_namespaces = 3, .max_words = 3});
  for (int i = 0; i < 50; ++i) {
    auto job = ended(fmt::format("model-{}", i), fmt::format("node-{}", i));
    job.usage.energy_source = fmt::format("meter-{}", i);
    metrics.observe(job);
    metrics.observe(core::AttemptFailed{.reason = fmt::format("why-{}", i)});
  }
  const std::string text = metrics.scrape({});
  EXPECT_THAT(
      text,
      HasSubstr(
          "skerry_jobs_ended_total{model=\"other\",namespace=\"default\",state=\"SUCCEEDED\"} 47"));
  EXPECT_THAT(text, Not(HasSubstr("model-3")));
  EXPECT_THAT(text, Not(HasSubstr("node-3")));
  EXPECT_THAT(text, Not(HasSubstr("meter-3\"")));
  EXPECT_THAT(text,
              HasSubstr("skerry_attempt_failures_total{reason=\"other\",retried=\"false\"} 47"));
}

}  // namespace
}  // namespace skerry::metrics
