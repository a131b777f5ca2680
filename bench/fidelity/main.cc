// skerry-bench-fidelity: the same tasks in the simulator that policies are trained in, and in the
// controller's core with simulated nodes. Prints JSON; `bench/run fidelity`, `fidelity-core` and `hedging`
// read it.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "bench/fidelity/hedging.h"
#include "bench/fidelity/observed.h"
#include "bench/fidelity/played.h"
#include "common/random.h"
#include "scheduler/policy.h"

namespace skerry::fidelity {
namespace {

Result<std::string> text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::kNotFound, fmt::format("{} cannot be read", path));
  }
  return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Result<std::vector<PolicyUnderTest>> find_policies(const std::vector<std::string>& names) {
  std::vector<PolicyUnderTest> policies;
  for (const std::string& name : names) {
    PolicyUnderTest policy{.name = name, .bundle_text = {}, .bundle = {}};
    if (scheduler::make_heuristic(name) == nullptr) {
      auto text = text_of(name);
      if (!text) {
        return fail(std::move(text).error());
      }
      auto bundle = rl::read_bundle(*text);
      if (!bundle) {
        return fail(std::move(bundle).error());
      }
      policy = {
          .name = bundle->name, .bundle_text = *std::move(text), .bundle = *std::move(bundle)};
    }
    policies.push_back(std::move(policy));
  }
  return policies;
}

std::string json_of(const std::array<double, scheduler::kObjectives>& values, double count) {
  std::string json = "{";
  for (std::size_t k = 0; k < values.size(); ++k) {
    json += fmt::format("{}\"{}\": {:.9g}", k == 0 ? "" : ", ",
                        to_string(static_cast<scheduler::Objective>(k)),
                        count > 0 ? values[k] / count : 0);
  }
  return json + "}";
}

// Means a task; predictions a successful attempt.
std::string json_of(const Played& played) {
  const auto tasks = static_cast<double>(played.tasks);
  const Predictions& p = played.predictions;
  const auto attempts = static_cast<double>(p.attempts);
  return fmt::format(
      "{{\"tasks\": {}, \"missed\": {}, \"cost\": {:.9g}, \"mean\": {}, \"predicted\": {}, "
      "\"actual\": {}, \"apart\": {}}}",
      played.tasks, played.missed, played.cost / tasks,
      json_of(
          {played.sums.latency_s, played.sums.energy_j, played.sums.cost_usd, played.sums.error},
          tasks),
      json_of(p.predicted, attempts), json_of(p.actual, attempts), json_of(p.apart, attempts));
}

std::string play(const rl::fleet::Context& context, const std::vector<rl::fleet::Task>& tasks,
                 const std::vector<PolicyUnderTest>& policies) {
  std::string json;
  for (const PolicyUnderTest& policy : policies) {
    json += fmt::format("{}\"{}\": {{\"simulator\": {}, \"core\": {}}}", json.empty() ? "" : ", ",
                        policy.name, json_of(play_in_simulator(context, tasks, policy)),
                        json_of(play_in_core(context, tasks, policy)));
  }
  return "{" + json + "}";
}

std::string json_of(const scheduler::Objectives& o) {
  return json_of({o.latency_s, o.energy_j, o.cost_usd, o.error}, 1);
}

// Fleets as the suite `fleet` draws them, of which nothing fails and no link changes.
void play_fleets(std::size_t count, std::size_t arrivals, std::uint64_t seed,
                 const std::vector<PolicyUnderTest>& policies) {
  Random random(seed);
  for (std::size_t i = 0; i < count; ++i) {
    rl::fleet::Context context = rl::fleet::draw_context(
        {.most_nodes = rl::fleet::kMostNodes, .least_load = 0.4, .most_load = 1.1}, random);
    context.link_noise = 0;
    for (rl::fleet::Node& node : context.nodes) {
      node.up_s = 0;
    }
    rl::fleet::Tape tape(context, seed, i);
    std::vector<rl::fleet::Task> tasks;
    for (std::size_t t = 0; t < arrivals; ++t) {
      tasks.push_back(tape.task(t));
    }
    fmt::print("{{\"fleet\": {}, \"nodes\": {}, \"load\": {:.3f}, \"policies\": {}}}\n", i,
               context.nodes.size(), context.load, play(context, tasks, policies));
    std::fflush(stdout);
  }
}

Status play_trace(const std::string& requests, const std::vector<std::string>& decisions,
                  const std::vector<PolicyUnderTest>& policies) {
  const auto text = text_of(requests);
  auto tasks = text ? read_requests(*text) : fail(text.error());
  if (!tasks) {
    return fail(std::move(tasks).error());
  }
  std::vector<replay::TracedDecision> traced;
  for (const std::string& path : decisions) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      auto decision = replay::read_decision(line);
      if (!decision) {
        return fail(std::move(decision).error());
      }
      traced.push_back(*std::move(decision));
    }
  }
  auto observed = observe(traced);
  if (!observed) {
    return fail(std::move(observed).error());
  }
  rl::fleet::Context& context = observed->context;
  Random random(1);
  const double noise = context.service_noise;
  for (rl::fleet::Task& task : *tasks) {
    task.difficulty = std::exp(random.normal(-noise * noise / 2, noise));
    task.chance = random.next_u64();
  }
  if (tasks->size() > 1 && tasks->back().arrival_s > 0) {
    context.arrivals_per_s = static_cast<double>(tasks->size()) / tasks->back().arrival_s;
  }
  std::string pairs;
  for (std::size_t n = 0; n < context.nodes.size(); ++n) {
    for (std::size_t v = 0; v < context.variants.size(); ++v) {
      pairs += fmt::format("{}{{\"node\": \"{}\", \"variant\": \"{}\", \"service_s\": {:.9g}}}",
                           pairs.empty() ? "" : ", ", observed->nodes[n], observed->variants[v],
                           context.service_s[context.at(n, v)]);
    }
  }
  fmt::print(
      "{{\"ideal\": {}, \"nadir\": {}, \"noise\": {:.4f}, \"pairs\": [{}], \"policies\": {}}}\n",
      json_of(context.scales[0].ideal), json_of(context.scales[0].nadir), noise, pairs,
      play(context, *tasks, policies));
  return {};
}

int run(int argc, char** argv) {
  CLI::App app("Plays the same tasks in the simulator and in the controller's core.");
  app.require_subcommand(1);
  std::vector<std::string> names = {"greedy", "jsq", "round-robin", "random"};
  const auto add_policies = [&](CLI::App* command) {
    command->add_option("--policy", names, "heuristics by name, or paths of bundles");
  };
  std::size_t count = 24;
  std::size_t arrivals = 1000;
  std::uint64_t seed = 20'261'201;
  CLI::App* fleets = app.add_subcommand("fleets", "fleets drawn at random");
  fleets->add_option("--count", count, "how many")->capture_default_str();
  fleets->add_option("--arrivals", arrivals, "tasks of each")->capture_default_str();
  fleets->add_option("--seed", seed, "of all")->capture_default_str();
  add_policies(fleets);
  std::string requests;
  std::vector<std::string> decisions;
  CLI::App* trace = app.add_subcommand("trace", "a real fleet, as its recorded decisions show it");
  trace->add_option("--requests", requests, "lines of {at_s, preset, input_bytes}")->required();
  trace->add_option("--decisions", decisions, "as skerryctl decisions export writes them")
      ->required();
  add_policies(trace);
  std::size_t hedged_tasks = 50'000;
  CLI::App* hedging = app.add_subcommand("hedging", "the core alone, without and with hedging");
  hedging->add_option("--tasks", hedged_tasks, "of each run")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (hedging->parsed()) {
    fmt::print("{}", hedging_report(hedged_tasks));
    return 0;
  }
  const auto policies = find_policies(names);
  Status done = policies ? Status() : fail(policies.error());
  if (done && fleets->parsed()) {
    play_fleets(count, arrivals, seed, *policies);
  } else if (done) {
    done = play_trace(requests, decisions, *policies);
  }
  if (!done) {
    fmt::print(stderr, "skerry-bench-fidelity: {}\n", done.error().message);
  }
  return done ? 0 : 1;
}

}  // namespace
}  // namespace skerry::fidelity

int main(int argc, char** argv) { return skerry::fidelity::run(argc, argv); }
