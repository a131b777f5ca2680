// Decisions, which hold more than all other records.

#include <algorithm>
#include <cstring>
#include <optional>

#include "controller/records/decoding.h"

namespace skerry::records {

namespace {

scheduler::CandidateFacts facts(const stored::Facts& from) {
  return {.node = {from.node()},
          .variant = {from.variant()},
          .tier = static_cast<scheduler::Tier>(from.tier()),
          .slots = from.slots(),
          .outstanding = from.outstanding(),
          .capacity = from.capacity(),
          .backlog_s = from.backlog_s(),
          .rtt_s = from.rtt_s(),
          .bandwidth_bytes_per_s = from.bandwidth_bytes_per_s(),
          .busy_w = from.busy_w(),
          .measured_w = from.measured_w(),
          .transfer_j_per_byte = from.transfer_j_per_byte(),
          .price_usd_per_s = from.price_usd_per_s(),
          .node_memory_bytes = from.node_memory_bytes(),
          .variant_memory_bytes = from.variant_memory_bytes(),
          .resident = from.resident()};
}

scheduler::Trend trend(const stored::Trend& from) {
  scheduler::Trend trend{.slots = from.slots(),
                         .slow_load = from.slow_load(),
                         .fast_load = from.fast_load(),
                         .least_load = from.least_load(),
                         .slow_taken = from.slow_taken(),
                         .fast_taken = from.fast_taken(),
                         .delay_price = from.delay_price(),
                         .timed = from.timed(),
                         .urgency = from.urgency()};
  for (int k = 0; k < std::min<int>(from.preference_size(), scheduler::kObjectives); ++k) {
    trend.preference[static_cast<std::size_t>(k)] = from.preference(k);
  }
  return trend;
}

core::DecisionCandidate candidate(const stored::Candidate& from,
                                  const std::optional<scheduler::Scale>& scale) {
  const scheduler::Objectives predicted = objectives(from.predicted());
  return {.node = from.node(),
          .variant = from.variant(),
          .prediction = {.wait_s = from.wait_s(),
                         .transfer_s = from.transfer_s(),
                         .load_s = from.load_s(),
                         .service_s = from.service_s(),
                         .latency_deviation_s = from.latency_deviation_s(),
                         .objectives = predicted},
          .normalised = scale ? scale->normalise(predicted) : objectives(from.normalised()),
          .score = from.score(),
          .facts = facts(from.facts())};
}

std::optional<std::size_t> mask_reason(std::string_view name) {
  for (std::size_t reason = 0; reason < scheduler::kMaskReasons; ++reason) {
    if (scheduler::to_string(static_cast<scheduler::MaskReason>(reason)) == name) {
      return reason;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<core::DecisionRecord> decode_decision(std::string_view key, std::string_view value) {
  stored::Decision decision;
  const auto id = job_of(key);
  core::DecisionRecord record;
  if (!id || key.size() != sizeof(std::uint64_t) + sizeof(std::uint32_t) ||
      !parse(decision, value) || !read_weights(decision.weights(), record.preference)) {
    return corrupt("decision");
  }
  record.job = *id;
  record.attempt = number_at<std::uint32_t>(key, sizeof(std::uint64_t));
  record.at = instant_from_us(decision.at_us());
  record.policy = decision.policy();
  record.policy_version = decision.policy_version();
  record.fallback_reason = decision.fallback_reason();
  record.hedge_reason = decision.hedge_reason();
  record.model = decision.model();
  record.input_bytes = decision.input_bytes();
  if (decision.has_deadline_left_s()) {
    record.deadline_left_s = decision.deadline_left_s();
  }
  std::optional<scheduler::Scale> scale;
  if (decision.has_ideal()) {
    scale = {.ideal = objectives(decision.ideal()), .nadir = objectives(decision.nadir())};
    record.scale = *scale;
  }
  for (const auto& from : decision.candidates()) {
    if (!within(from.facts().tier(), scheduler::Tier::kCloud)) {
      return corrupt("decision");
    }
    record.candidates.push_back(candidate(from, scale));
  }
  for (const auto& from : decision.shadows()) {
    core::DecisionShadow shadow{.policy = policy_ref(from.policy()), .chosen = {}};
    if (from.has_chosen()) {
      shadow.chosen = from.chosen();
    }
    record.shadows.push_back(std::move(shadow));
  }
  record.waiting = decision.waiting();
  record.trend = trend(decision.trend());
  record.considered = decision.considered();
  record.chosen = decision.chosen();
  for (const auto& [name, count] : decision.masked()) {
    if (const auto reason = mask_reason(name)) {  // a reason of a newer version is left out
      record.masked[*reason] = count;
    }
  }
  return record;
}

}  // namespace skerry::records
