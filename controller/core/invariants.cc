// invariants.cc: what must hold between any two events. Tests and the simulator ask after every
// step.

#include <fmt/format.h>

#include <algorithm>

#include "controller/core/context.h"

namespace skerry::core {

namespace {

class Auditor {
 public:
  explicit Auditor(const State& state) : state_(state) {}

  std::vector<std::string> run() {
    for (const auto& [id, entry] : state_.jobs) {
      audit_job(entry);
    }
    for (const auto& [name, node] : state_.nodes) {
      audit_node(node);
    }
    audit_totals();
    return std::move(broken_);
  }

 private:
  // The sentence is made only if it is needed: simulations ask after every event.
  template <typename... Words>
  void expect(bool holds, const char* what, const Words&... words) {
    if (!holds) {
      broken_.push_back(fmt::format(fmt::runtime(what), shown(words)...));
    }
  }
  static std::string shown(JobId id) { return to_string(id); }
  static std::string_view shown(TaskState state) { return to_string(state); }
  template <typename Word>
  static const Word& shown(const Word& word) {
    return word;
  }

  void audit_job(const JobEntry& entry) {
    const Job& job = entry.job;
    const JobId name = job.id;
    ++by_state_[static_cast<std::size_t>(job.state)];
    if (is_terminal(job.state)) {
      expect(job.live.empty(), "{} ended and has live attempts", name);
      expect(job.result.has_value(), "{} ended without a result", name);
      use_[job.spec.ns].output_bytes += job.result ? job.result->output.size_bytes : 0;
      expect(entry.waiters.empty(), "{} ended and callers still wait", name);
      return;
    }
    ++open_;
    Quotas::Use& use = use_[job.spec.ns];
    ++use.open_jobs;
    use.running += is_with_a_node(job.state) ? 1 : 0;
    use.input_bytes += job.spec.inputs.size_bytes;
    const auto heard = std::ranges::count(job.live, false, &Attempt::silent);
    expect(job.live.size() <= kMaxLiveAttempts, "{} has {} live attempts", name, job.live.size());
    const bool in_line = job.state == TaskState::kReady || job.state == TaskState::kBackoff;
    expect(!in_line || heard == 0, "{} waits in line and runs", name);
    expect(in_line || !job.live.empty(), "{} is {} without an attempt", name, job.state);
    expect(job.state != TaskState::kUnknown || heard == 0, "{} is UNKNOWN but heard of", name);
    expect((job.state != TaskState::kLeased && job.state != TaskState::kRunning) || heard > 0,
           "{} is {} but silent", name, job.state);
    const bool waits_turn =
        entry.sequence != 0 && state_.sequences.at(entry.sequence).active != job.id;
    expect(job.handing_over == state_.to_bring.contains(job.id),
           "{} is held back, and nobody brings it, or the reverse", name);
    expect(job.state != TaskState::kReady ||
               (entry.ready_order != 0) != (waits_turn || job.handing_over),
           "{} is READY but not in line", name);
    const bool two = job.live.size() == 2;
    expect(!two || job.live[0].node != job.live[1].node, "{} has two attempts on one node", name);
    const bool hedged = std::ranges::find(job.live, true, &Attempt::hedge) != job.live.end();
    expect(!hedged || (job.spec.urgency == Urgency::kInteractive && entry.sequence == 0),
           "{} is hedged, and is of a sequence or not interactive", name);
    for (const auto& attempt : job.live) {
      ++leases_[attempt.node];
      const auto node = state_.nodes.find(attempt.node_name);
      expect(node != state_.nodes.end() && node->second.jobs.contains(job.id),
             "{} has a lease that {} does not know", name, attempt.node_name);
      expect(attempt.silent || (node != state_.nodes.end() && node->second.session),
             "{} counts on {}, which is not connected", name, attempt.node_name);
    }
  }

  void audit_node(const NodeEntry& node) {
    const auto& load = state_.fleet.load(node.id);
    const std::size_t held = leases_[node.id] + node.ending.size();
    expect(load.outstanding == held, "{} counts {} outstanding, the jobs say {}", node.spec.name,
           load.outstanding, held);
    for (const auto id : node.jobs) {
      const auto it = state_.jobs.find(id);
      expect(it != state_.jobs.end() &&
                 std::ranges::find(it->second.job.live, node.id, &Attempt::node) !=
                     it->second.job.live.end(),
             "{} remembers {}, which has no attempt there", node.spec.name, id);
    }
  }

  void audit_totals() {
    expect(open_ == state_.open_jobs, "{} jobs are open, counted {}", open_, state_.open_jobs);
    expect(by_state_ == state_.by_state, "jobs by state are miscounted");
    for (const auto& [name, model] : state_.models) {
      use_[std::string(namespace_of_model(name))].artifact_bytes += artifact_bytes(model.manifest);
    }
    use_.erase("");
    for (const auto& [ns, use] : use_) {
      expect(state_.quotas.use(ns) == use, "what '{}' has is miscounted", ns);
      expect(state_.ready.is_capped(ns) == state_.quotas.is_full(ns),
             "'{}' is passed over, or not, against its quota", ns);
    }
    for (const auto& [ticket, waiter] : state_.waiters) {
      const auto it = state_.jobs.find(waiter.job);
      expect(it != state_.jobs.end() && !is_terminal(it->second.job.state),
             "caller {} waits for a job that ended", ticket);
    }
  }

  const State& state_;
  std::map<NodeId, std::uint32_t> leases_;
  std::map<std::string, Quotas::Use> use_;
  std::array<std::uint64_t, kTaskStates> by_state_{};
  std::uint64_t open_ = 0;
  std::vector<std::string> broken_;
};

}  // namespace

std::vector<std::string> Core::broken_invariants() const { return Auditor(*state_).run(); }

}  // namespace skerry::core
