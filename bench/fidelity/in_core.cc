// The controller's core, whole, in simulated time: what the shells around it do is done at once, but
// for the sync that everything durable waits for.
#include <fmt/format.h>

#include <memory>
#include <variant>

#include "bench/fidelity/played.h"
#include "bench/fidelity/simulated_node.h"
#include "common/check.h"
#include "controller/bundle_policies.h"
#include "controller/core/core.h"
#include "rl/fleet/world.h"
#include "tests/sim/timeline.h"

namespace skerry::fidelity {

namespace {

using rl::fleet::Context;
using rl::fleet::Task;

constexpr Instant kStart = instant_from_us(1'700'000'000'000'000);
constexpr Duration kSync = microseconds(150);  // a median fdatasync
constexpr Duration kSettling = seconds(30);    // for probes; work comes after
constexpr Duration kAtMost = hours(24);        // an episode that has not ended by then is stuck
constexpr double kMillis = 1000;

core::Settings settings_for(const PolicyUnderTest& policy, std::size_t tasks, const CoreRun& run) {
  core::Settings settings;
  settings.hedging = run.hedging;
  if (!policy.bundle) {
    settings.policy = policy.name;
  }
  settings.max_retained_jobs = tasks + 1;
  return settings;
}

class InCore {
 public:
  InCore(const Context& context, const std::vector<Task>& tasks, const PolicyUnderTest& policy,
         const CoreRun& run)
      : context_(context),
        tasks_(tasks),
        run_(run),
        timeline_(kStart),
        core_(settings_for(policy, tasks.size(), run), 1,
              {.stopwatch = nullptr, .factory = &bundles_}) {
    act(core_.restore({}, kStart));
    for (std::size_t m = 0; m < context.models.size(); ++m) {
      tell(core::PutModel{.ticket = core::kNoTicket, .manifest = manifest_of(m)});
    }
    if (policy.bundle) {
      tell(core::OfferPolicy{.bundle = std::make_shared<const std::string>(policy.bundle_text),
                             .origin = policy.name,
                             .activate = true,
                             .why = "it is measured"});
    }
    for (std::size_t n = 0; n < context.nodes.size(); ++n) {
      nodes_.push_back(std::make_unique<SimulatedNode>(
          context, run_, n, timeline_, [this](core::Event event) { tell(std::move(event)); },
          [this](const core::AttemptRef& attempt) -> const Task& {
            return tasks_[number_of_.at(attempt.job)];
          }));
      nodes_.back()->connect();
      beat(n);
    }
  }

  Played run() {
    const Instant first = kStart + kSettling;
    for (std::size_t t = 0; t < tasks_.size(); ++t) {
      const Instant at = first + duration_from_seconds(tasks_[t].arrival_s);
      timeline_.at(at, [this, t] { submit(t); });
    }
    while (ended_ < tasks_.size()) {
      const Instant tick = core_.next_timer();
      if (timeline_.step(std::min(tick, kStart + kAtMost))) {
        continue;
      }
      check(tick < kStart + kAtMost, "every task ends");
      timeline_.at(tick, [this] { tell(core::Tick{}); });
    }
    for (const auto& node : nodes_) {
      played_.spent_j += node->spent_j();
    }
    return played_;
  }

 private:
  ModelManifest manifest_of(std::size_t number) const {
    const rl::fleet::Model& model = context_.models[number];
    ModelManifest manifest{.name = model_name(number), .engine = "noop"};
    manifest.inputs.push_back({.name = "x", .kind = InputKind::kTensor, .shape = {-1}});
    manifest.outputs.push_back({.name = "y", .kind = OutputKind::kTensor});
    for (std::size_t v = model.first; v < model.first + model.count; ++v) {
      const rl::fleet::Variant& variant = context_.variants[v];
      manifest.variants.push_back(
          {.name = variant_name(v),
           .artifact_bytes = static_cast<std::uint64_t>(variant.artifact_bytes),
           .accuracy = variant.accuracy,
           .memory_bytes = static_cast<std::uint64_t>(variant.memory_bytes),
           .reference_ms = variant.reference_s * kMillis});
    }
    return manifest;
  }

  void beat(std::size_t node) {
    timeline_.after(core_.settings().heartbeat, [this, node] {
      nodes_[node]->beat();
      beat(node);
    });
  }

  void submit(std::size_t number) {
    const Task& task = tasks_[number];
    core::JobSpec spec{.model = model_name(task.model), .preference = task.preference};
    spec.urgency = run_.interactive ? core::Urgency::kInteractive : core::Urgency::kNormal;
    spec.inputs = Payload::inlined("x");
    spec.inputs.size_bytes = static_cast<std::uint64_t>(task.input_bytes);
    if (task.deadline_s > 0) {
      spec.constraints.deadline =
          timeline_.now() + duration_from_seconds(task.deadline_s - task.arrival_s);
    }
    tell(core::Submit{.ticket = number + 1, .jobs = {std::move(spec)}});
  }

  void tell(core::Event event) { act(core_.apply(std::move(event), timeline_.now())); }

  // Outputs come in order; those of a batch after its sync.
  void act(core::Effects effects) {
    const Duration sync = effects.writes.empty() ? Duration(0) : kSync;
    for (core::Output& output : effects.outputs) {
      if (const auto* answer = std::get_if<core::Answer>(&output.what)) {
        learn_number(*answer);
      }
    }
    for (core::Output& output : effects.outputs) {
      if (auto* send = std::get_if<core::Send>(&output.what)) {
        timeline_.after(output.after == 0 ? Duration(0) : sync, [this, send = std::move(*send)] {
          nodes_.at(send.session.value - 1)->command(send.command);
        });
      } else if (const auto* happening = std::get_if<core::Happening>(&output.what)) {
        if (const auto* ended = std::get_if<core::JobEnded>(happening)) {
          count(*ended);
        } else if (const auto* look = std::get_if<core::HedgeLooked>(happening)) {
          played_.hedges += look->verdict == core::HedgeVerdict::kMade ? 1 : 0;
        } else if (const auto* hedge = std::get_if<core::HedgeEnded>(happening)) {
          played_.hedges_won += hedge->end == core::HedgeEnd::kWon ? 1 : 0;
        }
      }
    }
  }

  void learn_number(const core::Answer& answer) {
    check(answer.reply.has_value(), "nothing is refused here");
    if (const auto* submitted = std::get_if<core::Submitted>(&*answer.reply)) {
      number_of_[submitted->jobs.front()] = answer.ticket - 1;
    }
  }

  void count(const core::JobEnded& ended) {
    ++ended_;
    const Task& task = tasks_[number_of_.at(ended.job)];
    const bool missed = ended.state != core::TaskState::kSucceeded;
    check(!missed || task.deadline_s > 0, "only a deadline ends a task without a result");
    scheduler::Objectives took = ended.actual;
    took.latency_s = to_seconds(ended.total);
    if (!missed) {
      played_.predictions.add(ended.predicted, ended.actual);
    }
    ++played_.tasks;
    played_.latencies_s.push_back(took.latency_s);
    played_.missed += missed ? 1 : 0;
    played_.cost += rl::fleet::cost_of(context_, task, took) + (missed ? rl::fleet::kMissCost : 0);
    played_.sums.latency_s += took.latency_s;
    played_.sums.energy_j += took.energy_j;
    played_.sums.cost_usd += took.cost_usd;
    played_.sums.error += took.error;
  }

  const Context& context_;
  const std::vector<Task>& tasks_;
  const CoreRun run_;
  sim::Timeline timeline_;
  controller::BundlePolicies bundles_;
  core::Core core_;
  std::vector<std::unique_ptr<SimulatedNode>> nodes_;
  std::map<JobId, std::size_t> number_of_;
  std::size_t ended_ = 0;
  Played played_;
};

}  // namespace

Played play_in_core(const Context& context, const std::vector<Task>& tasks,
                    const PolicyUnderTest& policy, const CoreRun& run) {
  return InCore(context, tasks, policy, run).run();
}

}  // namespace skerry::fidelity
