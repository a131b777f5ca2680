#include "replay/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cmath>
#include <limits>
#include <tuple>

namespace skerry::replay {

namespace {

namespace json = boost::json;
using scheduler::kObjectives;
using scheduler::Objective;
using scheduler::Objectives;

// Looks members up by pointer; remembers the first that is missing or of another kind.
class Reader {
 public:
  explicit Reader(const json::value& root) : root_(root) {}

  const json::value* find(std::string_view pointer) const {
    boost::system::error_code missing;
    return root_.find_pointer({pointer.data(), pointer.size()}, missing);
  }
  double number(std::string_view pointer) {
    const json::value* found = find(pointer);
    boost::system::error_code wrong;
    const double value =
        found != nullptr && found->is_number() ? found->to_number<double>(wrong) : NAN;
    if (!std::isfinite(value)) {
      miss(pointer);
      return 0;
    }
    return value;
  }
  template <typename Integer>
  Integer count(std::string_view pointer) {
    const double value = number(pointer);
    if (!(value >= 0 && value <= static_cast<double>(std::numeric_limits<Integer>::max()))) {
      miss(pointer);
      return 0;
    }
    return static_cast<Integer>(value);
  }
  std::string text(std::string_view pointer) {
    const json::value* found = find(pointer);
    if (found == nullptr || !found->is_string()) {
      miss(pointer);
      return {};
    }
    return std::string(found->get_string());
  }
  bool truth(std::string_view pointer) const {
    const json::value* found = find(pointer);
    return found != nullptr && found->is_bool() && found->get_bool();
  }
  Objectives objectives(const std::string& pointer) {
    return {.latency_s = number(pointer + "/latency_ms") / 1000,
            .energy_j = number(pointer + "/energy_j"),
            .cost_usd = number(pointer + "/cost_usd"),
            .error = number(pointer + "/error")};
  }
  void miss(std::string_view pointer) {
    if (missing_.empty()) {
      missing_ = pointer;
    }
  }
  const std::string& missing() const { return missing_; }

 private:
  const json::value& root_;
  std::string missing_;
};

TracedCandidate read_candidate(Reader& reader, const std::string& at) {
  const std::string facts = at + "/facts";
  const std::string predicted = at + "/predicted";
  const auto number = [&](const char* name) {
    return reader.number(fmt::format("{}/{}", facts, name));
  };
  const auto part_s = [&](const char* name) {
    return reader.number(fmt::format("{}/{}", predicted, name)) / 1000;
  };
  const auto tier = scheduler::parse_tier(reader.text(facts + "/tier"));
  if (!tier) {
    reader.miss(facts + "/tier");
  }
  const auto count = [&](const char* name) {
    return reader.count<std::uint32_t>(fmt::format("{}/{}", facts, name));
  };
  const auto bytes = [&](const char* name) {
    return reader.count<std::uint64_t>(fmt::format("{}/{}", facts, name));
  };
  return {.node = reader.text(at + "/node"),
          .variant = reader.text(at + "/variant"),
          .prediction = {.wait_s = part_s("wait_ms"),
                         .transfer_s = part_s("transfer_ms"),
                         .load_s = part_s("load_ms"),
                         .service_s = part_s("service_ms"),
                         .latency_deviation_s = part_s("latency_deviation_ms"),
                         .objectives = reader.objectives(predicted)},
          .facts = {.node = {count("node_number")},
                    .variant = {count("variant_number")},
                    .tier = tier.value_or(scheduler::Tier::kEdge),
                    .slots = count("slots"),
                    .outstanding = count("outstanding"),
                    .capacity = count("capacity"),
                    .backlog_s = number("backlog_ms") / 1000,
                    .rtt_s = number("rtt_ms") / 1000,
                    .bandwidth_bytes_per_s = number("bandwidth_bytes_per_s"),
                    .busy_w = number("busy_w"),
                    .measured_w = number("measured_w"),
                    .transfer_j_per_byte = number("transfer_j_per_byte"),
                    .price_usd_per_s = number("price_usd_per_s"),
                    .node_memory_bytes = bytes("node_memory_bytes"),
                    .variant_memory_bytes = bytes("variant_memory_bytes"),
                    .resident = reader.truth(facts + "/resident")}};
}

scheduler::Trend read_trend(Reader& reader) {
  const auto number = [&](const char* name) {
    return reader.number(fmt::format("/trend/{}", name));
  };
  scheduler::Trend trend{.slots = number("slots"),
                         .slow_load = number("slow_load"),
                         .fast_load = number("fast_load"),
                         .least_load = number("least_load"),
                         .slow_taken = number("slow_taken"),
                         .fast_taken = number("fast_taken"),
                         .delay_price = number("delay_price"),
                         .timed = number("timed"),
                         .urgency = number("urgency")};
  for (std::size_t k = 0; k < kObjectives; ++k) {
    trend.preference[k] =
        reader.number(fmt::format("/trend/preference/{}", to_string(static_cast<Objective>(k))));
  }
  return trend;
}

void read_candidates(Reader& reader, TracedDecision& decision) {
  const json::value* list = reader.find("/candidates");
  if (list == nullptr || !list->is_array() || list->get_array().empty()) {
    reader.miss("/candidates");
    return;
  }
  for (std::size_t i = 0; i < list->get_array().size(); ++i) {
    decision.candidates.push_back(read_candidate(reader, fmt::format("/candidates/{}", i)));
  }
  std::ranges::sort(decision.candidates, {}, [](const TracedCandidate& candidate) {
    return std::tuple(candidate.facts.node, candidate.facts.variant);
  });
  const std::string node = reader.text("/choice/node");
  const std::string variant = reader.text("/choice/variant");
  const auto chosen = std::ranges::find_if(decision.candidates, [&](const auto& candidate) {
    return candidate.node == node && candidate.variant == variant;
  });
  if (chosen == decision.candidates.end()) {
    reader.miss("/choice");
  }
  decision.chosen = static_cast<std::size_t>(chosen - decision.candidates.begin());
}

}  // namespace

Result<TracedDecision> read_decision(std::string_view line) {
  boost::system::error_code malformed;
  const json::value root = json::parse(json::string_view(line.data(), line.size()), malformed);
  if (malformed) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("is no JSON: {}", malformed.message()));
  }
  Reader reader(root);
  TracedDecision decision{
      .input_bytes = reader.number("/input_bytes"),
      .deadline_left_s = {},
      .preference = {},
      .waiting = reader.count<std::uint64_t>("/waiting"),
      .scale = {.ideal = reader.objectives("/scale/ideal"),
                .nadir = reader.objectives("/scale/nadir")},
      .trend = read_trend(reader),
      .candidates = {},
      // A second attempt's candidates are idle nodes only, and no policy chose.
      .complete = reader.truth("/complete") && reader.find("/hedge_reason") == nullptr,
      .actual = {}};
  if (reader.find("/deadline_left_ms") != nullptr) {
    decision.deadline_left_s = reader.number("/deadline_left_ms") / 1000;
  }
  for (std::size_t k = 0; k < kObjectives; ++k) {
    decision.preference.weights[k] =
        reader.number(fmt::format("/preference/weights/{}", to_string(static_cast<Objective>(k))));
  }
  read_candidates(reader, decision);
  if (reader.find("/outcome/actual") != nullptr) {
    decision.actual = reader.objectives("/outcome/actual");
  }
  if (!reader.missing().empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("is no decision that can be scored: {} is missing or not what it "
                            "should be",
                            reader.missing()));
  }
  return decision;
}

}  // namespace skerry::replay
