#include "controller/metrics/metrics.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <mutex>
#include <utility>

#include "common/version.h"
#include "controller/metrics/families.h"
#include "controller/metrics/figures.h"
#include "controller/metrics/label_limit.h"
#include "controller/metrics/memo.h"
#include "controller/metrics/node_gauges.h"
#include "controller/metrics/policy_figures.h"
#include "controller/metrics/quota_figures.h"

namespace skerry::metrics {

namespace {

using prometheus::Counter;
using prometheus::Histogram;
using scheduler::Objective;

std::string text(std::string_view view) { return std::string(view); }

constexpr std::array kEnds = {core::TaskState::kSucceeded, core::TaskState::kFailed,
                              core::TaskState::kCancelled, core::TaskState::kExpired,
                              core::TaskState::kQuarantined};

struct DecisionHandles {
  std::array<Counter*, 3> outcomes;  // placed, none, fallback
  Histogram* duration;
};
struct ModelHandles {
  std::string label;
  Histogram* wait;
  Counter* attempts;
  std::array<Histogram*, scheduler::kObjectives> ratios;
  std::array<Counter*, scheduler::kObjectives> predicted;
  std::array<Counter*, scheduler::kObjectives> actual;
};
struct EndHandles {
  Counter* ended;
  Histogram* duration;
};
// Jobs that succeeded with a variant, or on a node, and the sum of what they took of each objective.
struct OutcomeHandles {
  void count(const scheduler::Objectives& actual) const {
    jobs->Increment();
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i]->Increment(actual[static_cast<Objective>(i)]);
    }
  }

  Counter* jobs;
  std::array<Counter*, scheduler::kObjectives> sums;
};
struct RunHandles {
  Histogram* service;
  Histogram* load;
  Counter* energy;
  Counter* cost;
  OutcomeHandles by_node;
  OutcomeHandles by_variant;
};
struct RouteHandles {
  Counter* requests;
  Histogram* duration;
};

OutcomeHandles outcomes(Counters& jobs, Counters& sums, const prometheus::Labels& labels) {
  OutcomeHandles made{.jobs = &jobs.Add(labels), .sums = {}};
  for (std::size_t i = 0; i < scheduler::kObjectives; ++i) {
    prometheus::Labels with_objective = labels;
    with_objective["objective"] = text(to_string(static_cast<Objective>(i)));
    made.sums[i] = &sums.Add(with_objective);
  }
  return made;
}

const Buckets& time_buckets() {
  static const Buckets buckets = decades(0.0005, 500);
  return buckets;
}

}  // namespace

struct Metrics::State {
  explicit State(const MetricsOptions& options)
      : families(registry),
        models(options.max_models),
        variants(options.max_variants),
        nodes(options.max_nodes),
        namespaces(options.max_namespaces),
        sources(options.max_words),
        reasons(options.max_words),
        policies(options.max_policies),
        sync_duration(families.sync_duration.Add({}, decades(0.00005, 5))),
        sync_batches(
            families.sync_batches.Add({}, Buckets{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024})),
        sync_bytes(families.sync_bytes.Add({})),
        node_gauges(families, options.max_nodes, options.node_certificate_life) {
    for (std::size_t i = 0; i < core::kTaskStates; ++i) {
      transitions[i] = &families.job_transitions.Add(
          {{"state", text(to_string(static_cast<core::TaskState>(i)))}});
    }
    families.build_info.Add({{"version", text(kVersion)}, {"commit", text(kCommit)}}).Set(1);
  }

  ModelHandles& model(std::string_view name) {
    const std::string_view label = models(name);
    return model_handles.get({label}, [&] { return make_model(label); });
  }
  ModelHandles make_model(std::string_view label) {
    ModelHandles made{.label = text(label),
                      .wait = &families.queue_wait.Add({{"model", text(label)}}, time_buckets()),
                      .attempts = &families.attempts.Add({{"model", text(label)}}),
                      .ratios = {},
                      .predicted = {},
                      .actual = {}};
    for (std::size_t i = 0; i < scheduler::kObjectives; ++i) {
      const prometheus::Labels labels{{"model", text(label)},
                                      {"objective", text(to_string(static_cast<Objective>(i)))}};
      made.ratios[i] = &families.prediction_ratio.Add(
          labels, Buckets{0.1, 0.2, 0.33, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10});
      made.predicted[i] = &families.predicted.Add(labels);
      made.actual[i] = &families.actual.Add(labels);
    }
    return made;
  }

  Counter& ended(std::string_view ns, std::string_view model, std::string_view state) {
    return families.jobs_ended.Add(
        {{"namespace", text(ns)}, {"model", text(model)}, {"state", text(state)}});
  }

  void observe(const core::JobChanged& job);
  void observe(const core::JobEnded& job);
  void observe(const core::SubmitRefused& refused);
  void observe(const core::DecisionMade& decision);
  void observe(const core::AttemptFailed& attempt);
  void observe(const core::HedgeLooked& look);
  void observe(const core::HedgeEnded& hedge);
  void observe(const core::NodeChanged& node);
  void observe(const core::SpoolChanged&) {}  // gauges, read at the scrape
  void observe(const core::BrakeChanged&) {}
  void observe(const core::ModelChanged& model);
  void observe(const core::PolicyChanged& policy);
  void observe(const core::BreakerChanged& breaker);
  void observe(const core::AccessChanged&) {}  // the audit trail has it

  prometheus::Registry registry;
  Families families;
  LabelLimit models;
  LabelLimit variants;
  LabelLimit nodes;
  LabelLimit namespaces;
  LabelLimit sources;
  LabelLimit reasons;
  LabelLimit policies;

  std::array<Counter*, core::kTaskStates> transitions{};
  Memo<Counter*> refused_handles;
  Memo<DecisionHandles> decision_handles;
  Memo<ModelHandles> model_handles;
  Memo<EndHandles> end_handles;
  Memo<RunHandles> run_handles;

  Histogram& sync_duration;
  Histogram& sync_batches;
  Counter& sync_bytes;

  std::mutex request_mutex;  // requests end on many strands
  Memo<RouteHandles> route_handles;

  std::mutex scrape_mutex;
  std::vector<std::function<std::vector<Figure>()>> others;
  NodeGauges node_gauges;
};

void Metrics::State::observe(const core::JobChanged& job) {
  transitions[static_cast<std::size_t>(job.state)]->Increment(job.same_state ? 0 : 1);
}

void Metrics::State::observe(const core::SubmitRefused& refused) {
  const std::string_view ns = namespaces(refused.ns);
  refused_handles
      .get({ns, refused.reason},
           [&] {
             return &families.jobs_refused.Add(
                 {{"namespace", text(ns)}, {"reason", refused.reason}});
           })
      ->Increment(static_cast<double>(refused.jobs));
}

void Metrics::State::observe(const core::DecisionMade& decision) {
  const std::string_view label = policies(decision.policy);
  DecisionHandles& handles = decision_handles.get({label}, [&] {
    const auto outcome = [&](const char* name) {
      return &families.decisions.Add({{"policy", text(label)}, {"outcome", name}});
    };
    return DecisionHandles{
        .outcomes = {outcome("placed"), outcome("none"), outcome("fallback")},
        .duration = &families.decision_duration.Add({{"policy", text(label)}}, decades(1e-6, 0.1))};
  });
  handles.outcomes[decision.fallback ? 2 : decision.placed ? 0 : 1]->Increment();
  if (decision.took.count() > 0) {
    handles.duration->Observe(to_seconds(decision.took));
  }
  if (decision.placed) {
    ModelHandles& by_model = model(decision.model);
    by_model.attempts->Increment();
    by_model.wait->Observe(to_seconds(decision.waited));
  }
}

void Metrics::State::observe(const core::JobEnded& job) {
  ModelHandles& by_model = model(job.model);
  const std::string_view state = to_string(job.state);
  const std::string_view ns = namespaces(job.ns);
  EndHandles& end = end_handles.get({ns, by_model.label, state}, [&] {
    // All the others, too, at 0: of a counter that begins at 1, rate() does not see the first.
    for (const core::TaskState other : kEnds) {
      ended(ns, by_model.label, to_string(other));
    }
    return EndHandles{.ended = &ended(ns, by_model.label, state),
                      .duration = &families.job_duration.Add(
                          {{"model", by_model.label}, {"state", text(state)}}, time_buckets())};
  });
  end.ended->Increment();
  end.duration->Observe(to_seconds(job.total));
  if (job.state != core::TaskState::kSucceeded) {
    return;
  }
  const std::string_view variant = variants(job.variant);
  const std::string_view node = nodes(job.node);
  const std::string_view source = sources(job.usage.energy_source);
  RunHandles& run = run_handles.get({by_model.label, variant, node, source}, [&] {
    const prometheus::Labels labels{{"model", by_model.label}, {"variant", text(variant)}};
    return RunHandles{
        .service = &families.service_duration.Add(labels, time_buckets()),
        .load = &families.model_load_duration.Add(labels, time_buckets()),
        .energy = &families.energy.Add(
            {{"model", by_model.label}, {"node", text(node)}, {"source", text(source)}}),
        .cost = &families.cost.Add({{"model", by_model.label}, {"node", text(node)}}),
        .by_node = outcomes(families.node_succeeded, families.node_actual, {{"node", text(node)}}),
        .by_variant = outcomes(families.variant_succeeded, families.variant_actual, labels)};
  });
  run.service->Observe(to_seconds(job.usage.service));
  if (job.usage.load.count() > 0) {
    run.load->Observe(to_seconds(job.usage.load));
  }
  run.energy->Increment(job.actual.energy_j);
  run.cost->Increment(job.actual.cost_usd);
  run.by_node.count(job.actual);
  run.by_variant.count(job.actual);
  for (std::size_t i = 0; i < scheduler::kObjectives; ++i) {
    const double predicted = job.predicted[static_cast<Objective>(i)];
    const double actual = job.actual[static_cast<Objective>(i)];
    by_model.predicted[i]->Increment(predicted);
    by_model.actual[i]->Increment(actual);
    if (predicted > 0) {
      by_model.ratios[i]->Observe(actual / predicted);
    }
  }
}

void Metrics::State::observe(const core::AttemptFailed& attempt) {
  families.attempt_failures
      .Add({{"reason", text(reasons(attempt.reason))},
            {"retried", attempt.retried ? "true" : "false"}})
      .Increment();
}
void Metrics::State::observe(const core::HedgeLooked& look) {
  families.hedge_looks.Add({{"verdict", text(to_string(look.verdict))}}).Increment();
  if (look.verdict == core::HedgeVerdict::kMade) {
    model(look.model).attempts->Increment();
  }
}
void Metrics::State::observe(const core::HedgeEnded& hedge) {
  families.hedges.Add({{"result", text(to_string(hedge.end))}}).Increment();
  families.hedge_energy.Add({{"model", model(hedge.model).label}}).Increment(hedge.spent_j);
}
void Metrics::State::observe(const core::NodeChanged& node) {
  families.node_changes.Add({{"state", node.state}}).Increment();
}
void Metrics::State::observe(const core::ModelChanged& model) {
  families.model_changes.Add({{"change", model.change}}).Increment();
}

void Metrics::State::observe(const core::PolicyChanged& policy) {
  families.policy_changes.Add({{"change", policy.change}}).Increment();
}
void Metrics::State::observe(const core::BreakerChanged& breaker) {
  if (!breaker.fault.empty()) {
    families.breaker_trips.Add({{"fault", breaker.fault}}).Increment();
  }
}

Metrics::Metrics(MetricsOptions options) : state_(std::make_unique<State>(options)) {}
Metrics::~Metrics() = default;

void Metrics::observe(const core::Happening& happening) {
  std::visit([this](const auto& what) { state_->observe(what); }, happening);
}

void Metrics::observe_sync(Duration took, std::size_t batches, std::uint64_t bytes) {
  state_->sync_duration.Observe(to_seconds(took));
  state_->sync_batches.Observe(static_cast<double>(batches));
  state_->sync_bytes.Increment(static_cast<double>(bytes));
}

void Metrics::observe_request(std::string_view method, std::string_view route, int status,
                              Duration took) {
  std::unique_lock lock(state_->request_mutex);
  char digits[4] = {static_cast<char>('0' + status / 100 % 10),
                    static_cast<char>('0' + status / 10 % 10), static_cast<char>('0' + status % 10),
                    0};
  const RouteHandles handles = state_->route_handles.get({method, route, digits}, [&] {
    const prometheus::Labels labels{{"method", text(method)}, {"route", text(route)}};
    prometheus::Labels with_status = labels;
    with_status["status"] = digits;
    return RouteHandles{
        .requests = &state_->families.http_requests.Add(with_status),
        .duration = &state_->families.http_duration.Add(labels, decades(0.0001, 500))};
  });
  lock.unlock();
  handles.requests->Increment();
  handles.duration->Observe(to_seconds(took));
}

void Metrics::add_source(std::function<std::vector<Figure>()> read) {
  const std::scoped_lock lock(state_->scrape_mutex);
  state_->others.push_back(std::move(read));
}

std::string Metrics::scrape(const Gauges& gauges) {
  const std::scoped_lock lock(state_->scrape_mutex);
  const core::QueueStats& queue = gauges.queue;
  Families& families = state_->families;
  const auto set_jobs = [&](const char* state, std::uint64_t count) {
    families.queue_jobs.Add({{"state", state}}).Set(static_cast<double>(count));
  };
  set_jobs("READY", queue.ready);
  set_jobs("BACKOFF", queue.backoff);
  set_jobs("LEASED", queue.leased);
  set_jobs("RUNNING", queue.running);
  set_jobs("UNKNOWN", queue.unknown);
  families.queue_oldest.Add({}).Set(to_seconds(queue.oldest_ready));
  families.jobs_retained.Add({}).Set(static_cast<double>(queue.retained));
  families.braking.Add({}).Set(queue.braking ? 1 : 0);
  families.http_connections.Add({}).Set(static_cast<double>(gauges.http_connections));
  families.event_watchers.Add({}).Set(static_cast<double>(gauges.event_watchers));
  state_->node_gauges.set(gauges.nodes, gauges.now);
  auto collected = state_->registry.Collect();
  std::ranges::transform(policy_figures(gauges.policies), std::back_inserter(collected), family_of);
  std::ranges::transform(quota_figures(gauges.quotas), std::back_inserter(collected), family_of);
  for (const auto& read : state_->others) {
    std::ranges::transform(read(), std::back_inserter(collected), family_of);
  }
  return prometheus::TextSerializer().Serialize(collected);
}

}  // namespace skerry::metrics
