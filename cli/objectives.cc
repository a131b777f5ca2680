#include "cli/objectives.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <vector>

#include "cli/json_read.h"
#include "cli/table.h"
#include "cli/units.h"

namespace skerry::cli {

namespace json = boost::json;

std::string name_of(Objective objective) {
  switch (objective) {
    case Objective::kLatency:
      return "latency";
    case Objective::kEnergy:
      return "energy";
    case Objective::kCost:
      return "cost";
    case Objective::kError:
      return "error";
  }
  return {};
}

std::string objective_text(Objective objective, const json::value* objectives) {
  if (objectives == nullptr) {
    return {};
  }
  const auto shown = [&](std::string_view member, auto human) {
    const auto number = number_at(*objectives, member);
    return number ? human(*number) : std::string();
  };
  switch (objective) {
    case Objective::kLatency:
      return shown("latency_ms", human_ms);
    case Objective::kEnergy:
      return shown("energy_j", human_joules);
    case Objective::kCost:
      return shown("cost_usd", human_usd);
    case Objective::kError:
      return shown("error", human_percent);
  }
  return {};
}

std::string predicted_and_actual(const json::value& job, bool colour) {
  Table table({{.title = "OBJECTIVE"},
               {.title = "PREDICTED", .align = Align::kRight},
               {.title = "ACTUAL", .align = Align::kRight},
               {.title = "WEIGHT", .align = Align::kRight}});
  for (const Objective objective : kObjectives) {
    const auto weight = number_at(job, "preference/weights/" + name_of(objective));
    table.add({name_of(objective), objective_text(objective, find(job, "result/predicted")),
               objective_text(objective, find(job, "result/actual")),
               weight ? fmt::format("{:.2f}", *weight) : ""});
  }
  return table.render(false, colour);
}

std::string preference_text(const json::value& preference) {
  const json::object& inner = members_at(preference, "weights");
  const json::object& weights = inner.empty() ? members_at(preference, "") : inner;
  std::vector<std::pair<double, std::string>> ordered;
  for (const auto& member : weights) {
    if (const auto weight = number_at(member.value(), ""); weight && *weight > 0) {
      ordered.emplace_back(-*weight, member.key());
    }
  }
  std::ranges::sort(ordered);
  std::string text;
  for (const auto& [minus_weight, name] : ordered) {
    text += fmt::format("{}{} {:.2f}", text.empty() ? "" : ", ", name, -minus_weight);
  }
  const std::string preset = text_at(preference, "name");
  return preset.empty() || text.empty() ? preset + text : fmt::format("{} ({})", preset, text);
}

}  // namespace skerry::cli
