#include "tests/sim/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>

namespace skerry::sim {

namespace {

// Nobody fetches it: simulated engines need no artifact.
const std::string kDigest = "sha256:" + std::string(64, '0');
constexpr const char* kNumber = "number";
constexpr Duration kAnswered = seconds(4);  // within that time, where nothing hinders it

// The numbers of the tasks whose state a task of a sequence found, from its output (sim_engine.h).
std::set<std::string> found_by(const core::TaskResult& result) {
  std::istringstream words(result.output.bytes ? *result.output.bytes : std::string());
  return {std::istream_iterator<std::string>(words), {}};
}

}  // namespace

ModelManifest model() {
  ModelManifest manifest{.name = "m",
                         .stateful = true};  // so that sequences have something to lose
  manifest.inputs.push_back({.name = "x", .kind = InputKind::kTensor, .shape = {-1}});
  manifest.outputs.push_back({.name = "y", .kind = OutputKind::kTensor});
  manifest.variants.push_back({.name = "small",
                               .digest = kDigest,
                               .accuracy = 0.9,
                               .memory_bytes = 1 << 20,
                               .reference_ms = 50});
  manifest.variants.push_back({.name = "large",
                               .digest = kDigest,
                               .accuracy = 0.99,
                               .memory_bytes = 8 << 20,
                               .reference_ms = 400});
  return manifest;
}

// Some seeds have many of what is rare in others.
Clients::Clients(World& world, Random random)
    : world_(world),
      random_(random),
      sequence_share_(random_.chance(0.2) ? 0.6 : 0.1),
      cancel_share_(random_.chance(0.2) ? 0.5 : 0.1) {}

void Clients::install_model() {
  if (!world_.controller_up() || model_known_) {
    return;
  }
  world_.tell_core(core::PutModel{.ticket = next_ticket_++, .manifest = model()});
  world_.after(milliseconds(200), [this] {
    model_known_ = world_.controller_up() && world_.core().model("m").has_value();
    install_model();
  });
}

std::uint64_t task_number(const core::JobSpec& spec) {
  const auto label = spec.labels.find(kNumber);
  return label == spec.labels.end() ? 0 : std::stoull(label->second.substr(1));
}

// "KIND #NUMBER", as the engine understands it (sim_engine.h).
void Clients::draw_inputs(core::JobSpec& spec, Request& request) {
  FaultSet& faults = faults_.emplace_back();
  const std::string number = fmt::format("#{}", faults_.size() - 1);
  spec.labels[kNumber] = number;
  const double draw = random_.uniform();
  std::string kind = "ok";
  if (draw < 0.05) {
    kind = "bad";
    faults.set(index_of(Fault::kBadInput));
  } else if (draw < 0.09) {
    kind = "poison";
    faults.set(index_of(Fault::kPoison));
  } else if (draw < 0.12) {
    kind = "giant";
    faults.set(index_of(Fault::kGiantResult));
  } else if (draw < 0.28) {
    kind = "slow";
  }
  auto bytes = std::make_shared<const std::string>(kind + ' ' + number);
  if (random_.chance(0.04)) {
    faults.set(index_of(Fault::kGiantInput));
    spec.inputs = Payload::stored(SimBlobDir::digest_of(*bytes), 4 * kInlineLimitBytes);
    request.blobs.push_back(std::move(bytes));
  } else {
    spec.inputs = Payload::inlined(*bytes);
  }
  if (random_.chance(sequence_share_) && kind != "giant") {  // such a result tells what it found
    spec.sequence = random_.chance(0.5) ? "q1" : "q2";
  }
}

core::JobSpec Clients::draw_job(Request& request) {
  core::JobSpec spec;
  spec.model = "m";
  draw_inputs(spec, request);
  const auto presets = scheduler::presets();
  spec.preference = presets[random_.below(presets.size())].preference;
  spec.urgency = static_cast<core::Urgency>(random_.below(3));
  if (random_.chance(0.2)) {
    spec.constraints.deadline = world_.now() + duration_from_seconds(random_.uniform(0.05, 20));
    faults_.back().set(index_of(Fault::kDeadline));
  }
  if (random_.chance(0.1)) {
    spec.constraints.min_accuracy = 0.95;
  }
  if (random_.chance(0.1)) {
    spec.constraints.site = "s0";
  }
  return spec;
}

void Clients::plan_requests(Duration over) {
  const std::uint64_t requests = 10 + random_.below(60);
  for (std::uint64_t number = 0; number < requests; ++number) {
    world_.after(duration_from_seconds(random_.uniform(0.3, to_seconds(over))),
                 [this, number] { request(number); });
  }
}

void Clients::request(std::uint64_t number) {
  if (!model_known_) {
    world_.after(milliseconds(300), [this, number] { request(number); });
    return;
  }
  Request request{.submit = {}, .number = number, .blobs = {}};
  const std::uint64_t jobs = random_.chance(0.15) ? 2 + random_.below(8) : 1;
  const std::string ns = random_.chance(0.5) ? "a" : "b";
  for (std::uint64_t i = 0; i < jobs; ++i) {
    request.submit.jobs.push_back(draw_job(request));
    request.submit.jobs.back().ns = ns;
  }
  if (jobs == 1 && random_.chance(0.4)) {
    request.submit.wait_until = world_.now() + duration_from_seconds(random_.uniform(0.01, 30));
    if (random_.chance(0.5)) {
      request.submit.jobs.front().durability = core::Durability::kNone;
      request.submit.jobs.front().sequence.clear();
    }
  }
  if (request.submit.jobs.front().durability == core::Durability::kDurable && random_.chance(0.5)) {
    request.submit.idempotency =
        core::IdempotencyKey{fmt::format("k{}", number), fmt::format("d{}", number)};
  }
  send(std::move(request));
}

void Clients::send(Request request) {
  if (!world_.controller_up()) {
    world_.after(milliseconds(250),
                 [this, request = std::move(request)]() mutable { send(std::move(request)); });
    return;
  }
  const core::Ticket ticket = next_ticket_++;
  request.submit.ticket = ticket;
  open_[ticket] = request;
  if (request.submit.wait_until) {
    check_answered(ticket, *request.submit.wait_until);
  }
  const bool impatient = request.submit.wait_until && random_.chance(0.2);
  world_.note(fmt::format("submit #{} ticket {}", request.number, ticket));
  tell(request);
  if (impatient) {
    world_.after(milliseconds(100), [this, ticket, request, life = world_.controller_life()] {
      if (open_.erase(ticket) > 0 && life == world_.controller_life() && world_.controller_up()) {
        marks(request, Fault::kCallerLeaves);
        world_.tell_core(core::Abandon{ticket});
      }
    });
  }
  if (request.submit.idempotency && random_.chance(0.2)) {  // the same again, from a nervous client
    world_.after(duration_from_seconds(random_.uniform(0, 5)), [this, again = std::move(request)] {
      marks(again, Fault::kSubmitRepeated);
      send(again);
    });
  }
}

// Clients say how long they wait; when that is, the controller's clock says.
void Clients::tell(const Request& request) {
  core::Submit submit = request.submit;
  const Duration off = world_.core_now() - world_.now();
  for (core::JobSpec& job : submit.jobs) {
    if (job.constraints.deadline) {
      *job.constraints.deadline += off;
    }
  }
  if (submit.wait_until) {
    *submit.wait_until += off;
  }
  for (const auto& blob : request.blobs) {
    world_.take_input(blob);
  }
  world_.tell_core(std::move(submit));
}

void Clients::check_answered(core::Ticket ticket, Instant due) {
  const Instant late = std::max(due, world_.now()) + kAnswered;
  world_.after(late - world_.now(), [this, ticket] {
    if (!open_.contains(ticket)) {
      return;
    }
    if (world_.hindered_until() + kAnswered > world_.now()) {
      return check_answered(ticket, world_.hindered_until());
    }
    world_.broke(fmt::format("ticket {} was not answered when its time was up", ticket));
  });
}

void Clients::marks(const Request& request, Fault fault) {
  for (const core::JobSpec& job : request.submit.jobs) {
    faults_[task_number(job)].set(index_of(fault));
  }
}

void Clients::answer(const core::Answer& answer) {
  const auto it = open_.find(answer.ticket);
  if (it == open_.end()) {
    return;
  }
  const bool durable = it->second.submit.jobs.front().durability == core::Durability::kDurable;
  const bool keyed = it->second.submit.idempotency.has_value();
  const std::uint64_t number = it->second.number;
  open_.erase(it);
  if (!answer.reply) {
    return;
  }
  if (const auto* submitted = std::get_if<core::Submitted>(&*answer.reply)) {
    world_.probes().replayed += submitted->replayed ? 1 : 0;
    const auto& first = by_key_.try_emplace(number, submitted->jobs).first->second;
    if (keyed && first != submitted->jobs) {
      world_.broke(fmt::format("request #{} was accepted twice under one key", number));
    }
    for (const auto id : submitted->jobs) {
      told(id);
      maybe_cancel(id);
    }
  } else if (const auto* finished = std::get_if<core::Finished>(&*answer.reply);
             finished != nullptr && durable) {
    told_end(finished->job);
  }
}

void Clients::told(JobId id) {
  world_.note(fmt::format("acknowledged {}", to_string(id)));
  acknowledged_.try_emplace(id);
}

void Clients::told_end(const core::Job& job) {
  told(job.id);
  auto& seen = acknowledged_[job.id];
  if (seen && *seen != job.state) {
    world_.broke(fmt::format("{} was told to be {} and then {}", to_string(job.id),
                             to_string(*seen), to_string(job.state)));
  }
  seen = job.state;
  if (!world_.store().results().contains(job.id)) {
    world_.broke(
        fmt::format("{} was told to have ended before that was durable", to_string(job.id)));
  }
}

void Clients::maybe_cancel(JobId id) {
  if (!random_.chance(cancel_share_)) {
    return;
  }
  if (const core::Job* job = world_.core().find_job(id)) {
    faults_[task_number(job->spec)].set(index_of(Fault::kCancel));
  }
  world_.after(duration_from_seconds(random_.exponential(random_.chance(0.7) ? 0.5 : 5)),
               [this, id] {
                 if (world_.controller_up()) {
                   world_.tell_core(core::CancelJob{.ticket = next_ticket_++, .job = id});
                 }
               });
}

void Clients::controller_died() {
  std::map<core::Ticket, Request> open;
  open.swap(open_);
  for (auto& [ticket, request] : open) {
    if (request.submit.idempotency) {
      send(std::move(request));
    }
  }
}

std::uint64_t Clients::succeeded() const {
  std::uint64_t count = 0;
  for (const auto& [id, seen] : acknowledged_) {
    const auto result = world_.store().results().find(id);
    count += result != world_.store().results().end() && !result->second.result.error ? 1 : 0;
  }
  return count;
}

// "no_credit 3, site 2": why a job is not placed.
std::string waiting_for(const core::Core& core, JobId id) {
  std::string text;
  if (const auto masked = core.waiting_for(id)) {
    for (std::size_t reason = 0; reason < masked->size(); ++reason) {
      if ((*masked)[reason] > 0) {
        text +=
            fmt::format(" {} {},", scheduler::to_string(static_cast<scheduler::MaskReason>(reason)),
                        (*masked)[reason]);
      }
    }
  }
  return text;
}

// All within the idle time of a sequence. Its tasks run one after the other, in the order of their
// ids, whatever the controller's clock said meanwhile.
void Clients::check_sequences(std::vector<std::string>& complaints) const {
  if (world_.sequences_may_idle()) {
    return;
  }
  std::map<std::string, std::vector<const core::Job*>> ended;  // of each sequence
  for (const auto& [id, stored] : world_.store().results()) {
    const core::Job* job = world_.core().find_job(id);
    if (job != nullptr && job->result && !job->spec.sequence.empty()) {
      ended[job->spec.ns + '/' + job->spec.sequence].push_back(job);
    }
  }
  for (auto& [name, jobs] : ended) {
    std::vector<const core::Job*> before;
    for (const core::Job* job : jobs) {
      const auto& result = *job->result;
      if (result.error && result.error->code == ErrorCode::kSequenceLost) {
        before.clear();
      }
      if (result.error) {
        continue;
      }
      const std::set<std::string> found = found_by(world_.store().results().at(job->id).result);
      world_.probes().sequences_continued += before.empty() ? 0 : 1;
      for (const core::Job* earlier : before) {
        if (!found.contains(earlier->spec.labels.at(kNumber))) {
          complaints.push_back(fmt::format("{} of sequence {} ran without what {} had left",
                                           to_string(job->id), name, to_string(earlier->id)));
        }
      }
      before.push_back(job);
    }
  }
}

std::vector<std::string> Clients::complaints() const {
  std::vector<std::string> complaints;
  for (const auto& [id, seen] : acknowledged_) {
    const core::Job* job = world_.core().find_job(id);
    if (job == nullptr) {
      complaints.push_back(fmt::format("{} was acknowledged and is lost", to_string(id)));
    } else if (!is_terminal(job->state)) {
      complaints.push_back(fmt::format("{} is still {} ({} attempts), sequence '{}', waits for:{}",
                                       to_string(id), to_string(job->state), job->attempts,
                                       job->spec.sequence, waiting_for(world_.core(), id)));
    } else if (seen && *seen != job->state) {
      complaints.push_back(fmt::format("{} was told to be {} and is {}", to_string(id),
                                       to_string(*seen), to_string(job->state)));
    } else if (!world_.store().results().contains(id)) {
      complaints.push_back(fmt::format("{} ended and has no stored result", to_string(id)));
    }
  }
  check_sequences(complaints);
  if (!open_.empty()) {
    complaints.push_back(fmt::format("{} requests were never answered", open_.size()));
  }
  return complaints;
}

}  // namespace skerry::sim
