#include "rl/live/learned_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "rl/fleet/view.h"
#include "rl/live/ranged_policy.h"

namespace skerry::rl {

namespace {

fleet::Facts facts_of(const scheduler::RankInput& input, const scheduler::Candidate& candidate) {
  const scheduler::NodeSpec& node = input.fleet.node(candidate.node);
  const scheduler::NodeLoad& load = input.fleet.load(candidate.node);
  const auto memory_bytes =
      static_cast<double>(input.fleet.variant(candidate.variant).memory_bytes);
  return {.prediction = candidate.prediction,
          .idle = candidate.offer,
          .node = candidate.node.value,
          .outstanding = static_cast<double>(load.outstanding),
          .slots = std::max<double>(node.slots, 1),
          .capacity = static_cast<double>(load.capacity),
          .backlog_s = load.backlog_s,
          .memory_share =
              node.memory_bytes > 0 ? memory_bytes / static_cast<double>(node.memory_bytes) : 0,
          .resident = input.fleet.resident(candidate.node, candidate.variant),
          .tier = node.tier};
}

class LearnedPolicy final : public scheduler::Policy {
 public:
  explicit LearnedPolicy(const Bundle& bundle)
      : name_(bundle.name),
        version_(fmt::format("{:08x}", bundle_number(bundle))),
        network_(bundle.network) {}

  std::string_view name() const override { return name_; }
  std::string_view version() const override { return version_; }

  Status rank(const scheduler::RankInput& input, std::span<double> scores) override {
    facts_.clear();
    for (const scheduler::Candidate& candidate : input.candidates) {
      facts_.push_back(facts_of(input, candidate));
    }
    fleet::TaskFacts task{.now_s = to_seconds(input.task.now.time_since_epoch()),
                          .preference = input.task.preference,
                          .deadline_left_s = {},
                          .scale = input.scale,
                          .waiting = static_cast<double>(input.task.waiting),
                          .trend = input.trend};
    if (input.task.constraints->deadline) {
      task.deadline_left_s =
          std::chrono::duration<double>(*input.task.constraints->deadline - input.task.now).count();
    }
    view_.look(task, facts_);
    view_.price(network_, scores);
    return {};
  }

 private:
  std::string name_;
  std::string version_;
  Mlp network_;
  fleet::View view_;
  std::vector<fleet::Facts> facts_;
};

}  // namespace

Result<std::unique_ptr<scheduler::Policy>> make_learned_policy(const Bundle& bundle) {
  if (bundle.problem != "fleet" || bundle.features != fleet::kFeatureSchema) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("policy '{}' was trained on '{}' with features '{}'; this controller "
                            "scores 'fleet' with '{}'",
                            bundle.name, bundle.problem, bundle.features, fleet::kFeatureSchema));
  }
  if (bundle.network.inputs() != fleet::kFeatures || bundle.network.outputs() != fleet::kOutputs) {
    return fail(
        ErrorCode::kUnsupported,
        fmt::format("policy '{}' takes {} features and yields {} outputs; {} and {} are needed",
                    bundle.name, bundle.network.inputs(), bundle.network.outputs(),
                    fleet::kFeatures, std::size_t{fleet::kOutputs}));
  }
  return std::make_unique<LearnedPolicy>(bundle);
}

Result<std::unique_ptr<scheduler::Policy>> policy_of_bundle(const Bundle& bundle) {
  auto policy = make_learned_policy(bundle);
  if (!policy) {
    return policy;
  }
  std::vector<FigureRange> ranges;
  if (const auto* member = bundle.training.if_contains("ranges")) {
    if (!member->is_object()) {
      return fail(ErrorCode::kInvalidArgument,
                  "the policy bundle is not valid: /training/ranges must be an object",
                  {{"/training/ranges", "must be an object"}});
    }
    auto read = read_ranges(member->get_object(), "/training/ranges");
    if (!read) {
      return fail(std::move(read).error());
    }
    ranges = *std::move(read);
  }
  return within_ranges(*std::move(policy), std::move(ranges));
}

}  // namespace skerry::rl
