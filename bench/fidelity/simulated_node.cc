#include "bench/fidelity/simulated_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <variant>

#include "common/charge.h"
#include "common/check.h"

namespace skerry::fidelity {

namespace {

std::size_t variant_number(const std::string& name) {
  std::size_t number = 0;
  std::from_chars(name.data() + 1, name.data() + name.size(), number);
  return number;
}

}  // namespace

std::string model_name(std::size_t model) { return fmt::format("m{}", model); }
std::string variant_name(std::size_t variant) { return fmt::format("v{}", variant); }

SimulatedNode::SimulatedNode(const rl::fleet::Context& context, const CoreRun& run,
                             std::size_t number, sim::Timeline& timeline, Tell tell, TaskOf task_of)
    : context_(context),
      run_(run),
      number_(number),
      slow_(Random(number).fork("slow")),
      timeline_(timeline),
      tell_(std::move(tell)),
      task_of_(std::move(task_of)) {
  for (std::size_t v = 0; v < context.variants.size(); ++v) {
    if (context.warm[context.at(number, v)] != 0) {
      loaded_[v] = {};
    }
  }
}

void SimulatedNode::connect() {
  constexpr double kSecondsAnHour = 3600;
  const rl::fleet::Node& declared = node();
  core::AgentHello hello{.session = session(), .incarnation = 1};
  hello.node = {
      .name = fmt::format("n{:02}", number_),
      .tier = declared.tier,
      .site = "s",
      .engines = {"noop"},
      .slots = static_cast<std::uint32_t>(declared.slots),
      .memory_bytes = static_cast<std::uint64_t>(declared.memory_bytes),
      .speed = declared.speed,
      .power = {.busy_w = declared.busy_w, .transfer_j_per_byte = declared.transfer_j_per_byte},
      .price_usd_per_hour = declared.price_usd_per_s * kSecondsAnHour,
      .rtt_s = declared.rtt_s,
      .bandwidth_bytes_per_s = declared.bandwidth_bytes_per_s};
  hello.energy_source = "modelled";
  hello.capacity = static_cast<std::uint32_t>(declared.slots + rl::fleet::kQueueDepth);
  hello.resident = resident();
  tell_(std::move(hello));
}

void SimulatedNode::beat() {
  core::Telemetry telemetry;
  telemetry.bandwidth_bytes_per_s = node().bandwidth_bytes_per_s;
  tell_(core::AgentHeartbeat{
      .session = session(), .rtt = duration_from_seconds(node().rtt_s), .telemetry = telemetry});
}

void SimulatedNode::say(core::Event event) {
  timeline_.after(duration_from_seconds(node().rtt_s / 2),
                  [this, event = std::move(event)]() mutable { tell_(std::move(event)); });
}

void SimulatedNode::command(const core::AgentCommand& command) {
  double delay_s = node().rtt_s / 2;
  if (const auto* assign = std::get_if<core::AssignAttempt>(&command)) {
    delay_s += static_cast<double>(assign->input.size_bytes) / node().bandwidth_bytes_per_s;
  }
  timeline_.after(duration_from_seconds(delay_s), [this, command] { receive(command); });
}

void SimulatedNode::receive(const core::AgentCommand& command) {
  if (const auto* assign = std::get_if<core::AssignAttempt>(&command)) {
    const AttemptUid uid = assign->attempt.uid;
    revisions_[assign->model] = assign->manifest_revision;
    work_[uid] = {
        .assign = *assign, .variant = variant_number(assign->variant), .arrived = timeline_.now()};
    queue_.push_back(uid);
    run_next();
  } else if (const auto* cancel = std::get_if<core::CancelAttempt>(&command)) {
    this->cancel(cancel->attempt.uid);
  } else if (const auto* probe = std::get_if<core::ProbeVariant>(&command)) {
    // Measured apart from the work, and what is loaded stays what it was.
    const std::size_t pair = context_.at(number_, variant_number(probe->variant));
    say(core::ProbeEnded{.session = session(),
                         .variant = {probe->model, probe->variant},
                         .revision = probe->manifest_revision,
                         .error = {},
                         .load = duration_from_seconds(context_.load_s[pair]),
                         .service = std::vector(3, duration_from_seconds(context_.service_s[pair])),
                         .memory_bytes = static_cast<std::uint64_t>(
                             context_.variants[variant_number(probe->variant)].memory_bytes)});
    revisions_[probe->model] = probe->manifest_revision;
    say(core::ResidentChanged{session(), resident()});
  }
}

void SimulatedNode::run_next() {
  while (running_ < node().slots && !queue_.empty()) {
    const auto it = work_.find(queue_.front());
    queue_.pop_front();
    if (it != work_.end()) {  // else it was cancelled
      start(it->second);
    }
  }
}

void SimulatedNode::start(Work& work) {
  ++running_;
  work.running = true;
  work.started = timeline_.now();
  work.load = load(work.variant);
  if (running_ + ended_processes_ > node().slots) {  // every process that is left is busy
    --ended_processes_;
    work.load = duration_from_seconds(context_.load_s[context_.at(number_, work.variant)]);
  }
  say(core::AttemptStarted{session(), work.assign.attempt});
  const double slower = slow_.chance(run_.slow_share) ? run_.slow_factor : 1;
  const double service_s = context_.service_s[context_.at(number_, work.variant)] *
                           task_of_(work.assign.attempt).difficulty * slower;
  timeline_.after(work.load + duration_from_seconds(service_s),
                  [this, uid = work.assign.attempt.uid] { finish(uid); });
}

void SimulatedNode::cancel(AttemptUid uid) {
  const auto it = work_.find(uid);
  if (it == work_.end()) {
    return;
  }
  if (it->second.running && run_.cancel_grace_s > 0 && !it->second.cancelled) {
    it->second.cancelled = true;
    timeline_.after(duration_from_seconds(run_.cancel_grace_s), [this, uid] { cancel(uid); });
    return;
  }
  const Work work = it->second;
  work_.erase(it);
  if (work.running) {
    --running_;
    ended_processes_ += work.cancelled ? 1 : 0;
  }
  end(work, core::AttemptOutcome::kCancelled);
  run_next();
}

// How long until it is loaded. What was used least recently makes room.
Duration SimulatedNode::load(std::size_t variant) {
  const Instant now = timeline_.now();
  if (const auto found = loaded_.find(variant); found != loaded_.end()) {
    found->second.used = now;
    return std::max(found->second.ready - now, Duration(0));
  }
  double held_bytes = context_.variants[variant].memory_bytes;
  for (const auto& [other, loaded] : loaded_) {
    held_bytes += context_.variants[other].memory_bytes;
  }
  while (held_bytes > node().memory_bytes) {
    const auto oldest =
        std::ranges::min_element(loaded_, {}, [](const auto& entry) { return entry.second.used; });
    check(oldest != loaded_.end(), "a variant that fits finds room");
    held_bytes -= context_.variants[oldest->first].memory_bytes;
    loaded_.erase(oldest);
  }
  const Duration load = duration_from_seconds(context_.load_s[context_.at(number_, variant)]);
  loaded_[variant] = {.ready = now + load, .used = now};
  say(core::ResidentChanged{session(), resident()});
  return load;
}

void SimulatedNode::finish(AttemptUid uid) {
  const auto it = work_.find(uid);
  if (it == work_.end()) {
    return;  // it was cancelled
  }
  const Work work = it->second;
  work_.erase(it);
  --running_;
  end(work, core::AttemptOutcome::kSucceeded);
  run_next();
}

void SimulatedNode::end(const Work& work, core::AttemptOutcome outcome) {
  const Instant now = timeline_.now();
  const Duration busy = work.running ? now - work.started : Duration(0);
  core::AttemptEnded ended{
      .session = session(), .attempt = work.assign.attempt, .outcome = outcome};
  ended.usage = {.queue = (work.running ? work.started : now) - work.arrived,
                 .fetch = {},
                 .load = std::min(work.load, busy),
                 .service = std::max(busy - work.load, Duration(0)),
                 .energy_j = charged_energy_j(charges_of(node()), to_seconds(busy),
                                              static_cast<double>(work.assign.input.size_bytes)),
                 .energy_source = "modelled",
                 .cost_usd = charged_cost_usd(charges_of(node()), to_seconds(busy))};
  spent_j_ += ended.usage.energy_j;
  if (outcome == core::AttemptOutcome::kSucceeded) {
    ended.output = Payload::inlined("y");
  }
  say(std::move(ended));
}

std::vector<core::LoadedVariant> SimulatedNode::resident() const {
  std::vector<core::LoadedVariant> all;
  for (const auto& [variant, loaded] : loaded_) {
    const std::string model = model_name(context_.variants[variant].model);
    const auto revision = revisions_.find(model);
    all.push_back(
        {{model, variant_name(variant)}, revision == revisions_.end() ? 0 : revision->second});
  }
  return all;
}

}  // namespace skerry::fidelity
