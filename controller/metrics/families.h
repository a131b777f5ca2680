// families.h: the Prometheus families of metrics.h, in one place: names, help texts and buckets.

#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>

namespace skerry::metrics {

using Counters = prometheus::Family<prometheus::Counter>;
using GaugeFamily = prometheus::Family<prometheus::Gauge>;
using Histograms = prometheus::Family<prometheus::Histogram>;
using Buckets = prometheus::Histogram::BucketBoundaries;

// From lowest to highest, three a decade: 1, 2, 5.
Buckets decades(double lowest, double highest);

struct Families {
  explicit Families(prometheus::Registry& registry);

  Counters& decisions;
  Histograms& decision_duration;
  Histograms& queue_wait;
  GaugeFamily& queue_jobs;
  GaugeFamily& queue_oldest;
  GaugeFamily& jobs_retained;
  Counters& job_transitions;
  Counters& jobs_refused;
  Counters& jobs_ended;
  Histograms& job_duration;
  Counters& attempts;
  Counters& attempt_failures;
  Histograms& service_duration;
  Histograms& model_load_duration;
  Counters& energy;
  Counters& cost;
  Histograms& prediction_ratio;
  Counters& predicted;
  Counters& actual;
  Counters& hedge_looks;
  Counters& hedges;
  Counters& hedge_energy;
  Counters& node_changes;
  Counters& node_succeeded;
  Counters& node_actual;
  Counters& variant_succeeded;
  Counters& variant_actual;
  GaugeFamily& node_info;
  GaugeFamily& node_state;
  GaugeFamily& node_cordoned;
  GaugeFamily& node_heartbeat_age;
  GaugeFamily& node_outstanding;
  GaugeFamily& node_capacity;
  GaugeFamily& node_certificate_expiry;
  GaugeFamily& node_spooled;
  GaugeFamily& node_spool_full;
  GaugeFamily& node_gpu_busy;
  GaugeFamily& node_gpu_memory_used;
  GaugeFamily& node_gpu_memory;
  GaugeFamily& braking;
  Counters& model_changes;
  Counters& policy_changes;
  Counters& breaker_trips;
  Histograms& sync_duration;
  Histograms& sync_batches;
  Counters& sync_bytes;
  Counters& http_requests;
  Histograms& http_duration;
  GaugeFamily& http_connections;
  GaugeFamily& event_watchers;
  GaugeFamily& build_info;
};

}  // namespace skerry::metrics
