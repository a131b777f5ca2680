// objectives.h: shows the four objectives, predicted and actual, the same way in every command.
//
// An object of objectives is {"latency_ms", "energy_j", "cost_usd", "error"}. A missing member
// shows as nothing.

#pragma once

#include <array>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>

namespace skerry::cli {

enum class Objective : std::uint8_t { kLatency, kEnergy, kCost, kError };
constexpr std::array<Objective, 4> kObjectives = {Objective::kLatency, Objective::kEnergy,
                                                  Objective::kCost, Objective::kError};

// "latency", ...
std::string name_of(Objective objective);
// "2.90 ms"; objectives may be nullptr.
std::string objective_text(Objective objective, const boost::json::value* objectives);
// The table OBJECTIVE PREDICTED ACTUAL WEIGHT of a job's result.
std::string predicted_and_actual(const boost::json::value& job, bool colour);
// "green: energy 0.94, latency 0.02, ...", heaviest first, from {"name", "weights"} or bare
// weights.
std::string preference_text(const boost::json::value& preference);

}  // namespace skerry::cli
