#include "rl/live/ranged_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <utility>

#include "common/json_fields.h"

namespace skerry::rl {

namespace {

using scheduler::Candidate;
using scheduler::RankInput;

struct Figure {
  std::string_view name;
  double (*read)(const RankInput& input, const Candidate& candidate);
};
constexpr std::array<Figure, 9> kFigures = {{
    {"candidates", [](const RankInput& input,
                      const Candidate&) { return static_cast<double>(input.candidates.size()); }},
    {"input_bytes",
     [](const RankInput& input, const Candidate&) { return input.task.input_bytes; }},
    {"wait_s", [](const RankInput&, const Candidate& c) { return c.prediction.wait_s; }},
    {"transfer_s", [](const RankInput&, const Candidate& c) { return c.prediction.transfer_s; }},
    {"load_s", [](const RankInput&, const Candidate& c) { return c.prediction.load_s; }},
    {"service_s", [](const RankInput&, const Candidate& c) { return c.prediction.service_s; }},
    {"latency_s",
     [](const RankInput&, const Candidate& c) { return c.prediction.objectives.latency_s; }},
    {"energy_j",
     [](const RankInput&, const Candidate& c) { return c.prediction.objectives.energy_j; }},
    {"cost_usd",
     [](const RankInput&, const Candidate& c) { return c.prediction.objectives.cost_usd; }},
}};

const Figure* find_figure(std::string_view name) {
  const auto* found = std::ranges::find(kFigures, name, &Figure::name);
  return found == kFigures.end() ? nullptr : found;
}

bool is_finite(const Candidate& candidate) {
  const scheduler::Objectives& o = candidate.prediction.objectives;
  return std::isfinite(o.latency_s) && std::isfinite(o.energy_j) && std::isfinite(o.cost_usd) &&
         std::isfinite(o.error);
}

// A training set has an edge; what lies just beyond is not another world.
constexpr double kMargin = 2;  // times the highest, and the lowest divided by it

class RangedPolicy final : public scheduler::Policy {
 public:
  RangedPolicy(std::unique_ptr<scheduler::Policy> policy, std::vector<FigureRange> ranges)
      : policy_(std::move(policy)), ranges_(std::move(ranges)) {
    for (const FigureRange& range : ranges_) {
      figures_.push_back(find_figure(range.name));
    }
  }

  std::string_view name() const override { return policy_->name(); }
  std::string_view version() const override { return policy_->version(); }

  Status rank(const RankInput& input, std::span<double> scores) override {
    for (const Candidate& candidate : input.candidates) {
      if (!is_finite(candidate)) {
        return fail(ErrorCode::kUnsupported, "a prediction is not a finite number");
      }
      for (std::size_t i = 0; i < ranges_.size(); ++i) {
        const double value = figures_[i]->read(input, candidate);
        if (value > ranges_[i].highest * kMargin || value < ranges_[i].lowest / kMargin) {
          return fail(ErrorCode::kUnsupported,
                      fmt::format("{} is {:.4g}; it was trained on {:.4g} to {:.4g}",
                                  ranges_[i].name, value, ranges_[i].lowest, ranges_[i].highest));
        }
      }
    }
    return policy_->rank(input, scores);
  }

 private:
  std::unique_ptr<scheduler::Policy> policy_;
  std::vector<FigureRange> ranges_;
  std::vector<const Figure*> figures_;  // of the ranges
};

}  // namespace

Result<std::vector<FigureRange>> read_ranges(const boost::json::object& json,
                                             std::string_view pointer) {
  std::vector<FigureRange> ranges;
  std::vector<FieldIssue> issues;
  for (const auto& [key, value] : json) {
    if (issues.size() >= kEnoughIssues) {
      break;
    }
    const Figure* figure = find_figure({key.data(), key.size()});
    const auto* pair = value.if_array();
    boost::system::error_code wrong;
    double low = 0;
    double high = -1;
    if (pair != nullptr && pair->size() == 2) {
      low = (*pair)[0].to_number<double>(wrong);
      high = wrong ? -1 : (*pair)[1].to_number<double>(wrong);
    }
    if (figure == nullptr || wrong || !(low >= 0 && high >= low)) {
      issues.push_back({fmt::format("{}/{}", pointer, std::string_view(key.data(), key.size())),
                        figure == nullptr ? "is no figure that this controller knows"
                                          : "must be [lowest, highest], neither below 0"});
      continue;
    }
    ranges.push_back({.name = figure->name, .lowest = low, .highest = high});
  }
  if (!issues.empty()) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the policy bundle is not valid: {} {}", issues[0].field, issues[0].message),
        issues);
  }
  return ranges;
}

std::unique_ptr<scheduler::Policy> within_ranges(std::unique_ptr<scheduler::Policy> policy,
                                                 std::vector<FigureRange> ranges) {
  return std::make_unique<RangedPolicy>(std::move(policy), std::move(ranges));
}

}  // namespace skerry::rl
