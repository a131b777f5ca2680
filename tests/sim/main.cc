// skerry-sim: runs the simulated cluster over many seeds and says what broke.
//
//   skerry-sim --seeds 2000            seeds 1 to 2000; each tenth is run twice and must replay bit
//   for bit skerry-sim --seed 17 --history     one seed, its history on stdout

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "tests/sim/world.h"

namespace {

using skerry::sim::Coverage;
using skerry::sim::Outcome;
using skerry::sim::Probes;
using skerry::sim::RunOptions;
using skerry::sim::World;

struct Probe {
  const char* name;
  std::uint64_t Probes::* count;
};
constexpr Probe kProbes[] = {
    {"controller_crashes", &Probes::controller_crashes},
    {"agent_crashes", &Probes::agent_crashes},
    {"streams_broken", &Probes::streams_broken},
    {"batches_lost", &Probes::batches_lost},
    {"late_results_refused", &Probes::late_results_refused},
    {"results_sent_again", &Probes::results_sent_again},
    {"attempts_adopted", &Probes::attempts_adopted},
    {"hedged", &Probes::hedged},
    {"hedges_won", &Probes::hedges_won},
    {"hedges_lost", &Probes::hedges_lost},
    {"hedges_failed", &Probes::hedges_failed},
    {"hedges_dropped", &Probes::hedges_dropped},
    {"brakes", &Probes::brakes},
    {"quarantined", &Probes::quarantined},
    {"expired", &Probes::expired},
    {"cancelled", &Probes::cancelled},
    {"replayed", &Probes::replayed},
    {"sequences_lost", &Probes::sequences_lost},
    {"sequences_continued", &Probes::sequences_continued},
    {"continuations_refused", &Probes::continuations_refused},
    {"commands_lost", &Probes::commands_lost},
    {"reports_lost", &Probes::reports_lost},
    {"commands_after_break", &Probes::commands_after_break},
    {"reports_after_break", &Probes::reports_after_break},
    {"probed_again", &Probes::probed_again},
    {"policies_swapped", &Probes::policies_swapped},
    {"breaker_trips", &Probes::breaker_trips},
    {"breaker_closes", &Probes::breaker_closes},
    {"agents_stopped", &Probes::agents_stopped},
    {"agents_left", &Probes::agents_left},
    {"attempts_kept", &Probes::attempts_kept},
    {"results_kept", &Probes::results_kept},
    {"journals_cut", &Probes::journals_cut},
    {"bits_flipped", &Probes::bits_flipped},
    {"disks_full", &Probes::disks_full},
    {"disks_failed", &Probes::disks_failed},
};

struct Totals {
  std::uint64_t failed = 0;
  std::uint64_t jobs = 0;
  std::uint64_t events = 0;
  double virtual_s = 0;
  Probes probes;
  Coverage coverage;
};

void add(Totals& totals, const Outcome& outcome) {
  totals.jobs += outcome.jobs;
  totals.events += outcome.events;
  totals.coverage.add(outcome.coverage);
  totals.virtual_s += skerry::to_seconds(outcome.virtual_time);
  for (const auto& probe : kProbes) {
    totals.probes.*probe.count += outcome.probes.*probe.count;
  }
}

void report(const Outcome& outcome) {
  fmt::print(stderr, "seed {} broke {} rules (replay: --seed {} --history):\n", outcome.seed,
             outcome.broken.size(), outcome.seed);
  for (const auto& rule : outcome.broken) {
    fmt::print(stderr, "  {}\n", rule);
  }
}

bool replays(const Outcome& outcome) {
  const Outcome again = World(RunOptions{.seed = outcome.seed}).run();
  if (again.history_hash == outcome.history_hash && again.events == outcome.events) {
    return true;
  }
  fmt::print(stderr, "seed {} does not replay: {} events, then {}\n", outcome.seed, outcome.events,
             again.events);
  return false;
}

std::uint64_t running = 0;  // the seed

// A broken invariant of the product itself ends the process: say which seed it was.
extern "C" void say_seed(int signal) {
  std::fprintf(stderr, "seed %llu ended the process by signal %d (replay: --seed %llu --history)\n",
               static_cast<unsigned long long>(running), signal,
               static_cast<unsigned long long>(running));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// Rare paths that many seeds must have reached; with few seeds nothing is expected.
int unreached(const Totals& totals, std::uint64_t seeds) {
  int missing = 0;
  for (const auto& probe : kProbes) {
    if (seeds >= 500 && totals.probes.*probe.count == 0) {
      fmt::print(stderr, "no seed reached: {}\n", probe.name);
      ++missing;
    }
  }
  return missing;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Simulates whole clusters with faults, one per seed, and checks what Skerry guarantees."};
  std::uint64_t seeds = 100;
  std::uint64_t first = 1;
  std::uint64_t one = 0;
  bool history = false;
  bool json = false;
  app.add_option("--seeds", seeds, "how many seeds")->capture_default_str();
  app.add_option("--first", first, "the first of them")->capture_default_str();
  app.add_option("--seed", one, "just this seed");
  app.add_flag("--history", history, "print what happens, with --seed");
  app.add_flag("--json", json, "print the summary as one JSON object");
  CLI11_PARSE(app, argc, argv);
  if (one != 0) {
    first = one;
    seeds = 1;
  }

  Totals totals;
  const auto started = std::chrono::steady_clock::now();
  std::signal(SIGABRT, say_seed);
  std::signal(SIGSEGV, say_seed);
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    running = seed;
    const Outcome outcome =
        World(RunOptions{.seed = seed, .print_history = history && one != 0}).run();
    add(totals, outcome);
    const bool twin = seed % 10 != 0 || replays(outcome);
    if (!outcome.broken.empty()) {
      report(outcome);
    }
    totals.failed += outcome.broken.empty() && twin ? 0 : 1;
    if (totals.failed >= 10) {
      fmt::print(stderr, "giving up after 10 failing seeds\n");
      break;
    }
  }
  const double took =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  const int missing = json ? 0 : unreached(totals, seeds);  // whoever adds up many runs asks then

  std::string probes;
  for (const auto& probe : kProbes) {
    probes += fmt::format("{}\"{}\": {}", probes.empty() ? "" : ", ", probe.name,
                          totals.probes.*probe.count);
  }
  if (json) {
    fmt::print(
        "{{\"seeds\": {}, \"failed\": {}, \"jobs\": {}, \"events\": {}, \"virtual_s\": {:.0f}, "
        "\"real_s\": {:.2f}, "
        "\"probes\": {{{}}}, \"coverage\": {}, \"impossible\": {}}}\n",
        seeds, totals.failed, totals.jobs, totals.events, totals.virtual_s, took, probes,
        totals.coverage.json(), skerry::sim::impossible_json());
  } else {
    fmt::print(
        "{} seeds, {} failed; {} jobs, {} events; {:.0f} virtual s in {:.1f} s ({:.0f} "
        "x)\nreached: {}\n",
        seeds, totals.failed, totals.jobs, totals.events, totals.virtual_s, took,
        totals.virtual_s / took, probes);
  }
  return totals.failed == 0 && missing == 0 ? 0 : 1;
}
