// core_policies_world.h: a world of the core with bundles of words, for tests of policies.

#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controller/core/policy_factory.h"
#include "controller/core/policy_table.h"
#include "tests/unit/core_world.h"

namespace skerry::core {
// Bundles of these tests are "NAME VERSION BEHAVIOUR": "last" prefers the last candidate, "greedy"
// does as greedy, "nan" says NaN.
class Worded final : public scheduler::Policy {
 public:
  Worded(std::string name, std::string version, std::string behaviour)
      : name_(std::move(name)), version_(std::move(version)), behaviour_(std::move(behaviour)) {}
  std::string_view name() const override { return name_; }
  std::string_view version() const override { return version_; }
  Status rank(const scheduler::RankInput& input, std::span<double> scores) override {
    for (std::size_t i = 0; i < scores.size(); ++i) {
      scores[i] = behaviour_ == "last" ? -static_cast<double>(i)
                  : behaviour_ == "nan"
                      ? NAN
                      : weighted_sum(input.task.preference, input.candidates[i].normalised);
    }
    return {};
  }

 private:
  std::string name_, version_, behaviour_;
};

class WordFactory final : public PolicyFactory {
 public:
  Result<std::unique_ptr<scheduler::Policy>> make(std::string_view bundle) override {
    std::vector<std::string> words;
    while (!bundle.empty()) {
      const auto end = std::min(bundle.find(' '), bundle.size());
      words.emplace_back(bundle.substr(0, end));
      bundle.remove_prefix(std::min(end + 1, bundle.size()));
    }
    if (words.size() != 3 || words[2] == broken) {
      return fail(ErrorCode::kInvalidArgument, "this is no bundle", {{"/weights", "are missing"}});
    }
    return std::make_unique<Worded>(words[0], words[1], words[2]);
  }
  std::string broken;  // a behaviour that cannot be made any more
};

class Policies : public CoreWorld {
 protected:
  Policies() {
    helpers.factory = &factory;
    settings.probe_runs = 0;
    settings.breaker.rest = seconds(10);
    settings.breaker.trial_every = 2;
    settings.breaker.good_trials = 1;
    settings.breaker.drift.window = 8;
    restart({});
  }
  Result<Reply> ask(Event event) {
    if (Ticket* asked = ticket_of(event)) {
      *asked = ++tickets;
    }
    apply(std::move(event));
    return answers.at(tickets);
  }
  Result<Reply> put(const std::string& name, const std::string& words) {
    return ask(ApplyPolicy{.name = name, .bundle = std::make_shared<const std::string>(words)});
  }
  Result<Reply> change(const std::string& name, PolicyAction action) {
    return ask(ChangePolicy{.name = name, .action = action});
  }
  static bool changed(const Result<Reply>& reply) {
    return std::get<Changed>(reply.value()).changed;
  }
  std::string active() const {
    const PolicyRef ref = core->policies().active;
    return ref.name + "@" + ref.version;
  }
  std::vector<std::string> bundles() const {
    std::vector<std::string> found;
    for (const PolicyView& policy : core->policies().items) {
      if (!policy.builtin) {
        found.push_back(policy.ref.name + "@" + policy.ref.version);
      }
    }
    return found;
  }
  const ShadowStats& shadow(const std::string& name) {
    policies = core->policies();
    for (const PolicyView& policy : policies.items) {
      if (policy.ref.name == name && policy.shadow) {
        return *policy.shadow;
      }
    }
    ADD_FAILURE() << name << " is no shadow";
    static const ShadowStats kNone;
    return kNone;
  }
  // Two idle nodes; the first is what greedy takes of equals.
  void two_nodes() {
    put_model();
    first = connect("a");
    second = connect("b");
  }
  SessionId placed_on(JobId id) {
    return core->find_job(id)->live.at(0).node_name == "a" ? first : second;
  }
  void run_jobs(int count) {
    for (int i = 0; i < count; ++i) {
      const JobId id = submit(spec());
      const SessionId session = placed_on(id);
      finish(session, last_assigned(session));
    }
  }

  WordFactory factory;
  PoliciesView policies;
  SessionId first, second;
};

}  // namespace skerry::core
