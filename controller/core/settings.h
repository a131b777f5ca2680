// settings.h: the figures of the core that an operator may change. Defaults are those of the
// documentation.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "common/ids.h"
#include "common/time.h"
#include "scheduler/breaker.h"

namespace skerry::core {

// What a namespace may have; 0 = no limit.
struct Quota {
  double jobs_per_s = 0;            // submitted, on average
  std::uint64_t burst_jobs = 0;     // of them at once; 0 = what comes in a second
  std::uint64_t max_open_jobs = 0;  // submitted and not ended
  std::uint64_t max_running = 0;    // tasks that nodes have; further ones wait
  double max_share = 0;  // likewise, of the slots of all nodes that are there; at least one
  std::uint64_t max_input_bytes = 0;   // of open jobs together
  std::uint64_t max_stored_bytes = 0;  // inputs of open jobs, results that are kept, its models
};
struct QuotaSettings {
  Quota others;  // of namespaces that are not named
  std::map<std::string, Quota, std::less<>> named;

  const Quota& of(std::string_view ns) const {
    const auto found = named.find(ns);
    return found == named.end() ? others : found->second;
  }
};

struct Settings {
  std::string policy = "greedy";      // until the store says otherwise
  bool policy_chosen = false;         // by the configuration: no bundle takes its place by itself
  scheduler::BreakerOptions breaker;  // around the active policy and each shadow, if it is a bundle
  // Of a site's own core: epochs from here on, so that its jobs' ids are told from the controller's;
  // and whether what ends here is to be brought to a controller.
  Epoch first_epoch{1};
  bool brings_jobs = false;
  std::uint32_t trace_every = 16;  // of so many decisions, one is recorded with all its candidates
  // liveness of nodes
  Duration heartbeat = seconds(1);
  // Of silence: no new work; interactive tasks are placed again. A link that is away for 2.5 s keeps
  // us from hearing for a heartbeat longer, and until TCP tries again, 3 s after what it lost; it
  // moves nothing.
  Duration suspect_after = milliseconds(4250);
  Duration disconnected_after = seconds(5);  // of silence: all its tasks are placed again
  Duration reconnect_grace =
      seconds(1);  // after its stream broke, before it counts as disconnected
  Duration recovery_grace =
      seconds(5);  // after a restart, for agents to come back with what they run
  double brake_fraction =
      0.55;  // of a site's or the fleet's nodes silent together: suspect ourselves
  std::uint32_t brake_min_nodes = 4;  // smaller groups never brake
  Duration brake_max = seconds(60);   // after which the silent are given up all the same
  // retries; the user's errors are never tried again
  std::uint32_t max_infrastructure_retries = 8;
  std::uint32_t max_crashes = 2;             // runners crashed on that many nodes: QUARANTINED
  Duration backoff_base = milliseconds(50);  // full jitter: uniform(0, min(cap, base * 2^n))
  Duration backoff_cap = seconds(10);
  std::uint32_t trip_nodes =
      3;  // a model that crashed on that many nodes, with no success there since,
  Duration trip_window = minutes(10);  // within this time, takes no new work
  Duration trip_first = seconds(5);  // for so long, or until it is applied again; each further time
  Duration trip_time = seconds(60);  // twice as long, up to this, until a task of it succeeds
  Duration sequence_idle =
      seconds(60);  // an idle sequence is forgotten; a later task of it starts afresh
  // hedging: a second attempt of an interactive task while the first goes on
  bool hedging = true;
  double hedge_budget = 0.05;  // at most so many for each interactive task that is placed
  std::uint32_t hedge_min_outcomes = 100;  // of the model, before its tail is believed
  std::uint32_t hedge_min_samples = 10;    // of the variant's service, on both nodes
  // bounds
  std::uint64_t max_open_jobs = 2'000'000;    // beyond: kOverloaded
  std::uint64_t max_retained_jobs = 200'000;  // ended jobs that are remembered; the oldest go first
  Duration retention = hours(24);
  std::uint32_t decisions_per_apply =
      256;  // the rest is done at the next Tick, so that no event waits long
  QuotaSettings quotas;
  bool require_identity = false;  // no agent is welcome but by the key that it enrolled with
  // The audit trail: its key, and how many lines are kept.
  std::string audit_key;
  std::uint64_t max_audit_records = 1'000'000;
  // probes: runs on synthetic inputs
  std::uint32_t probe_runs = 20;         // at most, for every variant on every new node; 0 = none
  Duration probe_interval = seconds(5);  // on average, between repeated ones of a node; 0 = none
  Duration probe_max_age = minutes(10);  // a loaded variant not measured for so long is, again
};

}  // namespace skerry::core
