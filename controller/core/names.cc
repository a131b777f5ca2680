// names.cc: enumerators as the words of the API, metrics, logs and docs.

#include <algorithm>
#include <array>
#include <utility>

#include "controller/core/core.h"
#include "controller/core/effects.h"
#include "controller/core/job.h"

namespace skerry::core {

namespace {

using enum TaskState;
constexpr std::array<std::pair<TaskState, std::string_view>, kTaskStates> kStates = {{
    {kReady, "READY"},
    {kLeased, "LEASED"},
    {kRunning, "RUNNING"},
    {kBackoff, "BACKOFF"},
    {kUnknown, "UNKNOWN"},
    {kSucceeded, "SUCCEEDED"},
    {kFailed, "FAILED"},
    {kCancelled, "CANCELLED"},
    {kExpired, "EXPIRED"},
    {kQuarantined, "QUARANTINED"},
    {kMoved, "MOVED"},
}};
constexpr std::array<std::pair<Urgency, std::string_view>, 3> kUrgencies = {{
    {Urgency::kBatch, "batch"},
    {Urgency::kNormal, "normal"},
    {Urgency::kInteractive, "interactive"},
}};
constexpr std::array<std::pair<AttemptOutcome, std::string_view>, 7> kOutcomes = {{
    {AttemptOutcome::kSucceeded, "succeeded"},
    {AttemptOutcome::kModelFailed, "model_failed"},
    {AttemptOutcome::kCrashed, "crashed"},
    {AttemptOutcome::kInfrastructure, "infrastructure"},
    {AttemptOutcome::kCancelled, "cancelled"},
    {AttemptOutcome::kExpired, "expired"},
    {AttemptOutcome::kSequenceLost, "sequence_lost"},
}};
constexpr std::array<std::pair<NodeState, std::string_view>, 6> kNodeStates = {{
    {NodeState::kReady, "READY"},
    {NodeState::kSuspect, "SUSPECT"},
    {NodeState::kDisconnected, "DISCONNECTED"},
    {NodeState::kDraining, "DRAINING"},
    {NodeState::kDrained, "DRAINED"},
    {NodeState::kCordoned, "CORDONED"},
}};

constexpr std::array<std::pair<Role, std::string_view>, kRoles.size()> kRoleNames = {{
    {Role::kViewer, "viewer"},
    {Role::kSubmitter, "submitter"},
    {Role::kOperator, "operator"},
    {Role::kNamespaceAdmin, "namespace-admin"},
    {Role::kClusterAdmin, "cluster-admin"},
    {Role::kAuditor, "auditor"},
    {Role::kMetrics, "metrics"},
}};

constexpr std::array<std::pair<HedgeVerdict, std::string_view>, 6> kHedgeVerdicts = {{
    {HedgeVerdict::kMade, "made"},
    {HedgeVerdict::kNotWorth, "not_worth"},
    {HedgeVerdict::kUncertain, "uncertain"},
    {HedgeVerdict::kNoNode, "no_node"},
    {HedgeVerdict::kNoBudget, "no_budget"},
    {HedgeVerdict::kHeldBack, "held_back"},
}};
constexpr std::array<std::pair<HedgeEnd, std::string_view>, 4> kHedgeEnds = {{
    {HedgeEnd::kWon, "won"},
    {HedgeEnd::kLost, "lost"},
    {HedgeEnd::kFailed, "failed"},
    {HedgeEnd::kDropped, "dropped"},
}};

template <typename Table, typename Value>
std::string_view name_in(const Table& table, Value value) {
  const auto it = std::ranges::find(table, value, [](const auto& row) { return row.first; });
  return it == table.end() ? "?" : it->second;
}

template <typename Value, typename Table>
std::optional<Value> value_in(const Table& table, std::string_view name) {
  const auto it = std::ranges::find(table, name, [](const auto& row) { return row.second; });
  return it == table.end() ? std::nullopt : std::optional<Value>(it->first);
}

}  // namespace

std::string_view to_string(TaskState state) { return name_in(kStates, state); }
std::string_view to_string(Urgency urgency) { return name_in(kUrgencies, urgency); }
std::string_view to_string(AttemptOutcome outcome) { return name_in(kOutcomes, outcome); }
std::string_view to_string(NodeState state) { return name_in(kNodeStates, state); }
std::string_view to_string(HedgeVerdict verdict) { return name_in(kHedgeVerdicts, verdict); }
std::string_view to_string(HedgeEnd end) { return name_in(kHedgeEnds, end); }
std::string_view to_string(Role role) { return name_in(kRoleNames, role); }
std::optional<Role> parse_role(std::string_view name) { return value_in<Role>(kRoleNames, name); }
std::optional<TaskState> parse_task_state(std::string_view name) {
  return value_in<TaskState>(kStates, name);
}
std::optional<Urgency> parse_urgency(std::string_view name) {
  return value_in<Urgency>(kUrgencies, name);
}

}  // namespace skerry::core
