#include "controller/metrics/families.h"

namespace skerry::metrics {

namespace {

Counters& counter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
GaugeFamily& gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}
Histograms& histogram(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

}  // namespace

Buckets decades(double lowest, double highest) {
  Buckets bounds;
  for (double decade = lowest; decade <= highest * 1.001; decade *= 10) {
    for (const double step : {1.0, 2.0, 5.0}) {
      if (decade * step <= highest * 1.001) {
        bounds.push_back(decade * step);
      }
    }
  }
  return bounds;
}

Families::Families(prometheus::Registry& registry)
    : decisions(counter(registry, "skerry_decisions_total",
                        "Placement decisions by policy and outcome (placed, none: no candidate, "
                        "fallback: greedy decided)")),
      decision_duration(histogram(registry, "skerry_decision_duration_seconds",
                                  "Time that one placement decision took")),
      queue_wait(histogram(registry, "skerry_queue_wait_seconds",
                           "Time from a task's being ready to its placement")),
      queue_jobs(gauge(registry, "skerry_queue_jobs", "Jobs that have not ended, by state")),
      queue_oldest(gauge(registry, "skerry_queue_oldest_seconds",
                         "Age of the oldest task that waits for a node")),
      jobs_retained(
          gauge(registry, "skerry_jobs_retained", "Jobs that have ended and are still remembered")),
      job_transitions(counter(registry, "skerry_job_transitions_total",
                              "Changes of jobs' state, by the new state")),
      jobs_refused(counter(registry, "skerry_jobs_refused_total",
                           "Submitted jobs that were refused for now, by namespace and reason: a "
                           "quota's, or overloaded")),
      jobs_ended(counter(registry, "skerry_jobs_ended_total",
                         "Jobs that ended, by namespace, model and final state")),
      job_duration(
          histogram(registry, "skerry_job_duration_seconds", "Time from submission to end")),
      attempts(counter(registry, "skerry_attempts_total", "Attempts given to nodes")),
      attempt_failures(
          counter(registry, "skerry_attempt_failures_total",
                  "Attempts that failed, by reason and whether the task goes on with another")),
      service_duration(
          histogram(registry, "skerry_service_duration_seconds", "Time that the model itself ran")),
      model_load_duration(histogram(registry, "skerry_model_load_duration_seconds",
                                    "Time to load a variant that was not resident")),
      energy(counter(registry, "skerry_energy_joules_total",
                     "Energy of ended jobs, by how it was told")),
      cost(counter(registry, "skerry_cost_dollars_total", "Cost of ended jobs")),
      prediction_ratio(
          histogram(registry, "skerry_prediction_ratio",
                    "Actual over predicted value of an objective, for jobs that succeeded")),
      predicted(counter(registry, "skerry_predicted_total",
                        "Sum of the predictions, by objective (latency in seconds, energy in "
                        "joules, cost in dollars, error)")),
      actual(counter(registry, "skerry_actual_total",
                     "Sum of what came, by objective, in the same units")),
      hedge_looks(counter(registry, "skerry_hedge_looks_total",
                          "Times that it was asked whether a second attempt of a late interactive "
                          "task pays, by the verdict")),
      hedges(counter(registry, "skerry_hedges_total",
                     "Second attempts made while the first went on, by how they ended")),
      hedge_energy(counter(registry, "skerry_hedge_energy_joules_total",
                           "Energy, as modelled, of attempts that a hedged task had in vain")),
      node_changes(counter(registry, "skerry_node_changes_total",
                           "Changes of nodes' state, by the new state")),
      node_succeeded(counter(registry, "skerry_node_succeeded_jobs_total",
                             "Jobs that succeeded, by the node that had the result")),
      node_actual(counter(registry, "skerry_node_actual_total",
                          "Sum of what they took, by objective, as skerry_actual_total")),
      variant_succeeded(counter(registry, "skerry_variant_succeeded_jobs_total",
                                "Jobs that succeeded, by the variant that ran")),
      variant_actual(counter(registry, "skerry_variant_actual_total",
                             "Sum of what they took, by objective, as skerry_actual_total")),
      node_info(gauge(registry, "skerry_node_info", "1, with a node's site and tier")),
      node_state(gauge(registry, "skerry_node_state", "1 for the state that a node is in")),
      node_cordoned(gauge(registry, "skerry_node_cordoned",
                          "1 while an operator keeps work from a node, heard of or not")),
      node_heartbeat_age(gauge(registry, "skerry_node_heartbeat_age_seconds",
                               "Time since a node was last heard of")),
      node_outstanding(gauge(registry, "skerry_node_outstanding_attempts",
                             "Attempts that a node has and has not ended")),
      node_capacity(gauge(registry, "skerry_node_capacity_attempts",
                          "Most attempts that a node takes at once")),
      node_certificate_expiry(gauge(registry, "skerry_node_certificate_expiry_timestamp_seconds",
                                    "When the newest certificate of an enrolled node ends, since "
                                    "1970")),
      node_spooled(gauge(registry, "skerry_node_spooled_results",
                         "Results on a node that wait to be acknowledged, at its last heartbeat")),
      node_spool_full(gauge(registry, "skerry_node_spool_full",
                            "1 while a node has so many of them that it takes no new work")),
      node_gpu_busy(gauge(registry, "skerry_node_gpu_busy_ratio",
                          "Load of a node's busiest GPU, 0 to 1; only of nodes that have one")),
      node_gpu_memory_used(gauge(registry, "skerry_node_gpu_memory_used_bytes",
                                 "Memory in use on a node's GPUs together")),
      node_gpu_memory(
          gauge(registry, "skerry_node_gpu_memory_bytes", "Memory of a node's GPUs together")),
      braking(gauge(registry, "skerry_braking",
                    "1 while too many nodes are silent together, and nothing is placed again")),
      model_changes(counter(registry, "skerry_model_changes_total",
                            "Changes of models: applied, deleted, tripped, restored")),
      policy_changes(counter(registry, "skerry_policy_changes_total",
                             "Changes of policies: applied, promoted, rolled_back, ...")),
      breaker_trips(counter(registry, "skerry_policy_breaker_trips_total",
                            "Times that the active policy's breaker opened, by what it did")),
      sync_duration(histogram(registry, "skerry_store_sync_duration_seconds",
                              "Time of one sync of the store")),
      sync_batches(
          histogram(registry, "skerry_store_sync_batches", "Batches that one sync made durable")),
      sync_bytes(counter(registry, "skerry_store_written_bytes_total",
                         "Bytes written to the store's log")),
      http_requests(counter(registry, "skerry_http_requests_total",
                            "Answered requests by method, route and status")),
      http_duration(histogram(
          registry, "skerry_http_request_duration_seconds",
          "Time from a request's header to the end of its answer, waiting calls included")),
      http_connections(gauge(registry, "skerry_http_connections", "Open client connections")),
      event_watchers(gauge(registry, "skerry_event_watchers", "Clients that watch events")),
      build_info(
          gauge(registry, "skerry_build_info", "1, with the version and commit of this build")) {}

}  // namespace skerry::metrics
