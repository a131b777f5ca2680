#include "cli/policy_listing.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/json_read.h"
#include "cli/json_text.h"
#include "cli/listings.h"
#include "cli/units.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

Tone tone_of(std::string_view state) {
  return state == "active" ? Tone::kGood : state == "shadow" ? Tone::kBusy : Tone::kPlain;
}

template <typename Human>
std::string human_at(const json::value& value, std::string_view path, Human human) {
  const auto number = number_at(value, path);
  return number ? human(*number) : std::string();
}

std::string difference(double number) { return fmt::format("{:+.3f}", number); }
std::string cost(double number) { return fmt::format("{:.3f}", number); }

std::string estimate_text(const json::value& policy) {
  const auto width = number_at(policy, "shadow/estimated_difference_ci95").value_or(0);
  const auto mean = number_at(policy, "shadow/estimated_difference");
  return mean && width > 0 ? fmt::format("{:+.3f} +- {:.3f}", *mean, width) : std::string();
}

void add_row(Table& table, const json::value& policy, Instant now) {
  const std::string state = text_at(policy, "state");
  table.add({text_at(policy, "name"), text_at(policy, "version"), Cell(state, tone_of(state)),
             text_at(policy, "kind"), human_at(policy, "shadow/agreement", human_percent),
             human_at(policy, "shadow/predicted_regret", difference), estimate_text(policy),
             text_at(policy, "shadow/decisions"), text_at(policy, "shadow/outcomes"),
             age_of(text_at(policy, "applied_at"), now),
             human_at(policy, "size_bytes", human_bytes)});
}

}  // namespace

Table policy_table(const json::value& policies, Instant now) {
  Table table({{.title = "NAME"},
               {.title = "VERSION"},
               {.title = "STATE"},
               {.title = "KIND"},
               {.title = "AGREES", .align = Align::kRight},
               {.title = "REGRET", .align = Align::kRight},
               {.title = "ESTIMATE", .align = Align::kRight},
               {.title = "DECISIONS", .align = Align::kRight, .wide = true},
               {.title = "OUTCOMES", .align = Align::kRight, .wide = true},
               {.title = "AGE", .align = Align::kRight, .wide = true},
               {.title = "SIZE", .align = Align::kRight, .wide = true}});
  for (const auto& item : items_at(policies, "items")) {
    add_row(table, item, now);
  }
  if (table.empty()) {
    const std::string active = text_at(policies, "active");
    for (const auto& item : items_at(policies, "available")) {
      const std::string name = text_at(item, "");
      add_row(table, {{"name", name}, {"state", name == active ? "active" : "available"}}, now);
    }
  }
  return table;
}

std::string breaker_sentence(const json::value& policies) {
  const std::string state = text_at(policies, "breaker/state");
  if (state.empty() || state == "closed") {
    return {};
  }
  return fmt::format("greedy decides in place of {}{}: {}", text_at(policies, "active"),
                     state == "half_open" ? ", which is on trial" : "",
                     text_at(policies, "breaker/reason"));
}

Sheet policy_sheet(const json::value& policy, Instant now) {
  const std::string state = text_at(policy, "state");
  Sheet sheet;
  sheet.line("Name", text_at(policy, "name"));
  sheet.line("Version", text_at(policy, "version"));
  sheet.line("State", {state, tone_of(state)});
  sheet.line("Kind", text_at(policy, "kind"));
  sheet.line("Applied", text_at(policy, "applied_at").empty()
                            ? std::string()
                            : age_of(text_at(policy, "applied_at"), now) + " ago");
  sheet.line("Size", human_at(policy, "size_bytes", human_bytes));
  sheet.line("Features", text_at(policy, "features"));
  if (find(policy, "shadow") != nullptr) {
    sheet.line("Decisions",
               fmt::format("{}, of which {} it could not score",
                           text_at(policy, "shadow/decisions"), text_at(policy, "shadow/failed")));
    sheet.line("Agrees", human_at(policy, "shadow/agreement", human_percent));
    sheet.line("Predicted regret", human_at(policy, "shadow/predicted_regret", difference));
    sheet.line("Outcomes",
               fmt::format("{}, {} of the same choice", text_at(policy, "shadow/outcomes"),
                           text_at(policy, "shadow/matched")));
    sheet.line("Measured cost", human_at(policy, "shadow/measured_cost", cost));
    sheet.line("Estimated cost", human_at(policy, "shadow/estimated_cost", cost));
    sheet.line("Estimated gain", estimate_text(policy));
  }
  for (const auto& [title, member] : {std::pair("Card", "card"), {"Training", "training"}}) {
    if (const json::value* found = find(policy, member);
        found != nullptr && !members_at(policy, member).empty()) {
      sheet.block(title, pretty_json(*found));
    }
  }
  return sheet;
}

}  // namespace skerry::cli
