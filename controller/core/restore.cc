// restore.cc: takes over what an earlier process stored, and opens a new epoch.
//
// Nodes are disconnected but not given up: for recovery_grace their agents may come back with what
// they run. Until then their tasks are UNKNOWN. Job counters restart in the new epoch, so ids never
// repeat.

#include <algorithm>

#include "common/check.h"
#include "controller/core/context.h"

namespace skerry::core {

namespace {

void restore_node(Context& ctx, const NodeRecord& record) {
  State& state = ctx.state;
  if (state.node_names.size() <= record.id.value) {
    state.node_names.resize(record.id.value + 1);
  }
  state.node_names[record.id.value] = record.spec.name;
  NodeEntry node;
  node.id = record.id;
  node.spec = record.spec;
  node.incarnation = record.incarnation;
  node.cordoned = record.cordoned;
  node.draining = record.draining;
  node.enrolled_at = record.enrolled_at;
  node.last_heard = ctx.now;
  node.given_up = false;
  node.recovering = true;
  state.fleet.put_node(node.id, node.spec);
  NodeEntry& entry = state.nodes.emplace(record.spec.name, std::move(node)).first->second;
  update_availability(ctx, entry);
  schedule_node_timer(ctx, entry);
}

// False if the node or the variant is gone since.
bool restore_attempt(State& state, JobEntry& entry, const StoredAttempt& stored) {
  const auto node = state.nodes.find(stored.node_name);
  const ModelEntry& model = state.models.at(entry.job.spec.model);
  const auto variant = model.variants.find(stored.variant_name);
  if (node == state.nodes.end() || variant == model.variants.end()) {
    return false;
  }
  const auto service = state.fleet.service(node->second.id, variant->second);
  entry.job.live.push_back({.number = stored.number,
                            .uid = stored.uid,
                            .node = node->second.id,
                            .variant = variant->second,
                            .node_name = stored.node_name,
                            .variant_name = stored.variant_name,
                            .leased_at = stored.leased_at,
                            .started_at = std::nullopt,
                            .predicted = stored.predicted,
                            .predicted_service_s = service.mean,
                            .silent = true});
  state.fleet.assigned(node->second.id, service.mean);
  node->second.jobs.insert(entry.job.id);
  return true;
}

void restore_task(Context& ctx, JobEntry& entry, const TaskRecord& record) {
  State& state = ctx.state;
  Job& job = entry.job;
  job.attempts = record.attempts;
  job.retries = record.retries;
  job.ready_at = record.ready_at;
  job.version = record.version;
  job.handing_over = record.handing_over;
  job.kept_here = record.kept_here;
  job.taken_as = record.taken_as;
  count_state(state, entry, record.state);
  for (const auto& name : record.excluded_nodes) {
    if (const auto node = state.nodes.find(name); node != state.nodes.end()) {
      job.excluded.push_back(node->second.id);
    }
  }
  for (const auto& attempt : record.live) {
    restore_attempt(state, entry, attempt);
  }
}

void queue_open_job(Context& ctx, JobEntry& entry) {
  State& state = ctx.state;
  Job& job = entry.job;
  entry.model = state.models.at(job.spec.model).id;
  count_open(state, entry);
  if (job.handing_over) {
    state.to_bring.insert(job.id);
    return;  // until the controller says what became of it
  }
  if (job.spec.constraints.deadline) {
    state.timers.add({*job.spec.constraints.deadline, TimerKind::kDeadline, job.id.value});
  }
  if (job.state == TaskState::kBackoff) {
    // The clock may have been set back since.
    job.ready_at = std::min(job.ready_at, ctx.now + state.settings.backoff_cap);
    state.timers.add({job.ready_at, TimerKind::kBackoff, job.id.value});
    return;
  }
  count_state(state, entry, job.live.empty() ? TaskState::kReady : TaskState::kUnknown);
  if (job.live.empty() && job.spec.sequence.empty()) {
    line_up(ctx, entry);
  }
}

// A sequence's tasks line up again in order of submission; where its state was, it still is, if the
// node comes back.
void restore_sequence(Context& ctx, JobEntry& entry) {
  if (entry.job.spec.sequence.empty()) {
    return;
  }
  join_sequence(ctx, entry);
  if (entry.job.state != TaskState::kReady) {
    entry.ready_order = 0;  // the sequence's active task: tasks behind it were never placed
  }
  if (!entry.job.live.empty()) {
    sequence_placed(ctx, entry, entry.job.live.front().node, entry.job.live.front().variant);
  }
}

void restore_results(Context& ctx, std::vector<ResultRecord>& results) {
  State& state = ctx.state;
  std::ranges::sort(results, {}, [](const ResultRecord& record) {
    return std::pair(record.result.remembered_from(), record.id);
  });
  for (auto& record : results) {
    const auto it = state.jobs.find(record.id);
    check(it != state.jobs.end() && is_terminal(it->second.job.state),
          "a result belongs to an ended job");
    it->second.job.result = std::move(record.result);
    it->second.job.result->output.bytes = nullptr;
    it->second.job.spec.inputs = {};
    use_blob(state, it->second.job.result->output);
    state.quotas.kept_output(it->second.job.spec.ns, it->second.job.result->output.size_bytes);
    if (waits_to_be_brought(state, it->second.job)) {
      state.to_bring.insert(record.id);
    } else {
      state.ended.push_back(record.id);
    }
  }
  // In the order in which they were submitted, which is that in which a sequence's tasks end: when
  // they ended is told by clocks that may have been set back meanwhile.
  for (const auto& [id, entry] : state.jobs) {
    if (entry.job.result) {
      bind_sequence(ctx, entry.job);
    }
  }
}

}  // namespace

void restore(Context& ctx, StoredState stored) {
  State& state = ctx.state;
  state.epoch.value = std::max(stored.meta.epoch.value + 1, state.settings.first_epoch.value);
  restore_policies(ctx, stored.meta, stored.policies);
  state.last_revision = stored.meta.last_revision;
  ctx.write(meta_record(state));

  std::ranges::sort(stored.models, {},
                    [](const ModelRecord& record) { return record.manifest.name; });
  for (const auto& record : stored.models) {
    install_model(state, record.manifest, record.revision);
  }
  std::ranges::sort(stored.nodes, {}, &NodeRecord::id);
  for (const auto& record : stored.nodes) {
    restore_node(ctx, record);
  }
  for (auto& record : stored.jobs) {
    JobEntry& entry = state.jobs.emplace_hint(state.jobs.end(), record.id, JobEntry{})->second;
    entry.job.id = record.id;
    ++state.by_state[static_cast<std::size_t>(entry.job.state)];
    entry.job.spec = std::move(record.spec);
    entry.job.submitted_at = record.submitted_at;
    entry.job.epoch = state.epoch;
  }
  for (const auto& record : stored.tasks) {
    restore_task(ctx, state.jobs.at(record.id), record);
  }
  restore_results(ctx, stored.results);
  for (auto& [id, entry] : state.jobs) {
    if (!is_terminal(entry.job.state)) {
      queue_open_job(ctx, entry);
      restore_sequence(ctx, entry);
    }
  }
  for (auto& record : stored.idempotency) {
    remember_key(state, {.name = {std::move(record.ns), std::move(record.key)},
                         .request_digest = std::move(record.request_digest),
                         .jobs = std::move(record.jobs),
                         .remembered = 0,
                         .batch = 0});
  }
  for (Token& token : stored.tokens) {
    state.tokens.emplace(token.id, std::move(token));
  }
  for (JoinToken& token : stored.join_tokens) {
    state.join_tokens.emplace(token.id, std::move(token));
  }
  for (NodeIdentity& identity : stored.identities) {
    state.identities.emplace(identity.node, std::move(identity));
  }
  if (stored.audit_last) {
    state.audit = {.first = stored.audit_first,
                   .last = stored.audit_last->seq,
                   .hash = stored.audit_last->hash};
  }
  if (!state.ended.empty()) {
    state.timers.add({ctx.now, TimerKind::kRetention, 0});
    state.forgets_by_time = true;
  }
}

}  // namespace skerry::core
