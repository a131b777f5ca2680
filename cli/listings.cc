#include "cli/listings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "cli/json_read.h"
#include "cli/objectives.h"
#include "cli/units.h"
#include "common/ids.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

template <typename Human>
std::string human_at(const json::value& value, std::string_view path, Human human) {
  const auto number = number_at(value, path);
  return number ? human(*number) : std::string();
}

Cell state_cell(const json::value& value) {
  const std::string state = text_at(value, "state");
  return {state, tone_of_state(state)};
}

// Where a job ran, or runs now.
std::string place_of(const json::value& job, std::string_view what) {
  const std::string of_result = text_at(job, fmt::format("result/{}", what));
  const json::array& live = items_at(job, "live_attempts");
  return of_result.empty() && !live.empty() ? text_at(live.front(), what) : of_result;
}

std::string kinds_of(const json::value& model, std::string_view path) {
  std::string text;
  for (const auto& item : items_at(manifest_of(model), path)) {
    const std::string kind = text_at(item, "kind");
    if (kind != "constant") {
      text += (text.empty() ? "" : ",") + (kind.empty() ? "tensor" : kind);
    }
  }
  return text;
}

// The variants' figures between the smallest and the largest: "0.93..0.99".
template <typename Human>
std::string range_of(const json::value& model, std::string_view member, Human human) {
  std::vector<double> numbers;
  for (const auto& variant : items_at(manifest_of(model), "spec/variants")) {
    if (const auto number = number_at(variant, member)) {
      numbers.push_back(*number);
    }
  }
  if (numbers.empty()) {
    return {};
  }
  const auto [low, high] = std::ranges::minmax(numbers);
  return low == high ? human(low) : fmt::format("{}..{}", human(low), human(high));
}

std::string names_of_variants(const json::value& model) {
  std::string text;
  for (const auto& variant : items_at(manifest_of(model), "spec/variants")) {
    text += (text.empty() ? "" : ",") + text_at(variant, "name");
  }
  return text;
}

}  // namespace

Tone tone_of_state(const std::string& state) {
  constexpr std::array<std::string_view, 2> kGood = {"READY", "SUCCEEDED"};
  constexpr std::array<std::string_view, 6> kBad = {"DISCONNECTED", "FAILED",  "EXPIRED",
                                                    "QUARANTINED",  "UNKNOWN", "CANCELLED"};
  if (std::ranges::find(kGood, state) != kGood.end()) {
    return Tone::kGood;
  }
  return std::ranges::find(kBad, state) != kBad.end() ? Tone::kBad : Tone::kBusy;
}

std::string age_of(const std::string& time, Instant now) {
  const auto at = parse_time(time);
  return at ? human_age(now - *at) : std::string();
}

std::string model_name(const json::value& model) {
  const auto& manifest = manifest_of(model);
  return whole_model_name(text_at(manifest, "metadata/namespace"),
                          text_at(manifest, "metadata/name"));
}

std::string bare_name(const std::string& name) {
  return name.substr(name.find('/') == std::string::npos ? 0 : name.find('/') + 1);
}

// "3 results, 2 jobs", or nothing.
std::string brought_by(const json::value& node) {
  const auto count = [&](std::string_view member, std::string_view what) {
    const std::string number = text_at(node, member);
    return number.empty() || number == "0" ? std::string() : fmt::format("{} {}", number, what);
  };
  const std::string results = count("brought", "results");
  const std::string jobs = count("brought_jobs", "jobs");
  return results.empty() || jobs.empty() ? results + jobs : results + ", " + jobs;
}

Table node_table() {
  return Table({{.title = "NAME"},
                {.title = "STATE"},
                {.title = "TIER"},
                {.title = "SITE"},
                {.title = "BUSY", .align = Align::kRight},
                {.title = "CPU", .align = Align::kRight},
                {.title = "POWER", .align = Align::kRight},
                {.title = "PRICE/H", .align = Align::kRight},
                {.title = "RTT", .align = Align::kRight},
                {.title = "HEARTBEAT", .align = Align::kRight},
                {.title = "BANDWIDTH", .align = Align::kRight, .wide = true},
                {.title = "ALONE", .align = Align::kRight, .wide = true},
                {.title = "BROUGHT", .align = Align::kRight, .wide = true},
                {.title = "MEMORY", .align = Align::kRight, .wide = true},
                {.title = "ENGINES", .wide = true},
                {.title = "VERSION", .wide = true},
                {.title = "LABELS", .wide = true}});
}

void add_node_row(Table& table, const json::value& node, Instant now) {
  const std::string heard = age_of(text_at(node, "last_heartbeat_at"), now);
  const auto per_second = [](double bytes) { return human_bytes(bytes) + "/s"; };
  const auto watts = [](double w) { return fmt::format("{:.1f} W", w); };
  const auto alone = [](double ms) { return ms > 0 ? human_ms(ms) : ""; };
  table.add(
      {text_at(node, "name"), state_cell(node), text_at(node, "tier"), text_at(node, "site"),
       fmt::format("{}/{}", text_at(node, "outstanding"), text_at(node, "capacity")),
       human_at(node, "telemetry/cpu_fraction", human_percent),
       human_at(node, "telemetry/power_w", watts), human_at(node, "price_usd_per_hour", human_usd),
       human_at(node, "rtt_ms", human_ms), heard.empty() ? "" : heard + " ago",
       human_at(node, "bandwidth_bytes_per_s", per_second), human_at(node, "alone_ms", alone),
       brought_by(node), human_at(node, "memory_bytes", human_bytes), joined_at(node, "engines"),
       text_at(node, "software_version"), joined_at(node, "labels")});
}

Table job_table() {
  return Table({{.title = "ID"},
                {.title = "MODEL"},
                {.title = "STATE"},
                {.title = "PREFERENCE"},
                {.title = "NODE"},
                {.title = "VARIANT"},
                {.title = "LATENCY", .align = Align::kRight},
                {.title = "AGE", .align = Align::kRight},
                {.title = "ENERGY", .align = Align::kRight, .wide = true},
                {.title = "COST", .align = Align::kRight, .wide = true},
                {.title = "ATTEMPTS", .align = Align::kRight, .wide = true},
                {.title = "NAMESPACE", .wide = true},
                {.title = "PRIORITY", .wide = true},
                {.title = "WHY", .wide = true}});
}

void add_job_row(Table& table, const json::value& job, Instant now) {
  const std::string preset = text_at(job, "preference/name");
  const json::value* actual = find(job, "result/actual");
  const std::string waiting = joined_at(job, "waiting_for");
  table.add({text_at(job, "id"), text_at(job, "model"), state_cell(job),
             preset.empty() ? "custom" : preset, place_of(job, "node"), place_of(job, "variant"),
             objective_text(Objective::kLatency, actual), age_of(text_at(job, "submitted_at"), now),
             objective_text(Objective::kEnergy, actual), objective_text(Objective::kCost, actual),
             text_at(job, "attempts"), text_at(job, "namespace"), text_at(job, "priority"),
             waiting.empty() ? text_at(job, "error/code") : waiting});
}

Table model_table() {
  return Table({{.title = "NAME"},
                {.title = "STATE"},
                {.title = "VARIANTS"},
                {.title = "ACCURACY", .align = Align::kRight},
                {.title = "SIZE", .align = Align::kRight},
                {.title = "INPUTS"},
                {.title = "OUTPUTS"},
                {.title = "REVISION", .align = Align::kRight, .wide = true},
                {.title = "ENGINE", .wide = true},
                {.title = "DESCRIPTION", .wide = true}});
}

void add_model_row(Table& table, const json::value& model) {
  const bool tripped = true_at(model, "tripped");
  const std::string engine = text_at(manifest_of(model), "spec/engine");
  table.add({model_name(model), tripped ? Cell("TRIPPED", Tone::kBad) : Cell("READY", Tone::kGood),
             names_of_variants(model), range_of(model, "accuracy", human_percent),
             range_of(model, "artifact_bytes", human_bytes), kinds_of(model, "spec/inputs"),
             kinds_of(model, "spec/outputs"), text_at(model, "revision"),
             engine.empty() ? "torch" : engine, text_at(manifest_of(model), "spec/description")});
}

}  // namespace skerry::cli
