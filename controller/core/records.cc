// records.cc: the core's tables as records of the store.

#include "controller/core/context.h"

namespace skerry::core {

namespace {

StoredAttempt stored(const Attempt& attempt) {
  return {.number = attempt.number,
          .uid = attempt.uid,
          .node_name = attempt.node_name,
          .variant_name = attempt.variant_name,
          .leased_at = attempt.leased_at,
          .predicted = attempt.predicted};
}

}  // namespace

TaskRecord record_of(const State& state, const Job& job) {
  TaskRecord record{.id = job.id,
                    .state = job.state,
                    .attempts = job.attempts,
                    .live = {},
                    .excluded_nodes = {},
                    .retries = job.retries,
                    .ready_at = job.ready_at,
                    .version = job.version,
                    .handing_over = job.handing_over,
                    .kept_here = job.kept_here,
                    .taken_as = job.taken_as};
  for (const auto& attempt : job.live) {
    record.live.push_back(stored(attempt));
  }
  for (const auto node : job.excluded) {
    record.excluded_nodes.push_back(state.node_names.at(node.value));
  }
  return record;
}

MetaRecord meta_record(const State& state) {
  const PolicyTable& table = state.policies;
  MetaRecord record{.epoch = state.epoch,
                    .policy = table.active,
                    .previous_policy = table.previous,
                    .shadows = {},
                    .operator_chose = table.operator_chose,
                    .last_revision = state.last_revision};
  for (const ShadowEntry& shadow : table.shadows) {
    record.shadows.push_back(shadow.ref);
  }
  return record;
}

NodeRecord record_of(const NodeEntry& node) {
  return {.id = node.id,
          .spec = node.spec,
          .incarnation = node.incarnation,
          .cordoned = node.cordoned,
          .draining = node.draining,
          .enrolled_at = node.enrolled_at};
}

}  // namespace skerry::core
