// decoding.h: what the files that decode records share: parsing, and the parts that several records have.

#pragma once

#include <fmt/format.h>
#include <records.pb.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "controller/records/parts.h"

namespace skerry::records {

inline auto corrupt(std::string_view what) {
  return fail(ErrorCode::kCorrupt, fmt::format("a stored {} does not decode", what));
}

template <typename Message>
bool parse(Message& message, std::string_view value) {
  return message.ParseFromArray(value.data(), static_cast<int>(value.size()));
}

template <typename Enum>
bool within(std::uint32_t value, Enum last) {
  return value <= static_cast<std::uint32_t>(last);
}

inline scheduler::Objectives objectives(const stored::Objectives& from) {
  return {.latency_s = from.latency_s(),
          .energy_j = from.energy_j(),
          .cost_usd = from.cost_usd(),
          .error = from.error()};
}

inline bool read_weights(const google::protobuf::RepeatedField<double>& from,
                         scheduler::Preference& preference) {
  if (static_cast<std::size_t>(from.size()) != preference.weights.size()) {
    return false;
  }
  std::ranges::copy(from, preference.weights.begin());
  return true;
}

inline core::PolicyRef policy_ref(const stored::PolicyRef& from) {
  return {from.name(), from.version()};
}

}  // namespace skerry::records
