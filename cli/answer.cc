#include "cli/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/json_read.h"
#include "cli/json_text.h"
#include "cli/objectives.h"
#include "cli/table.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

constexpr std::size_t kShortTensor = 16;
constexpr std::size_t kBeginning = 6;

std::string elements(const json::array& data, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const auto* number = data[i].if_double();
    // Seven digits: what an f32 carries.
    text += (i == 0 ? "" : " ") +
            (number != nullptr ? fmt::format("{:.7g}", *number) : compact_json(data[i]));
  }
  return text;
}

std::string value_text(const json::value& output) {
  if (const json::array& labels = items_at(output, "labels"); !labels.empty()) {
    return text_at(labels.front(), "label");
  }
  if (find(output, "data") != nullptr) {
    const json::array& data = items_at(output, "data");
    if (data.size() <= kShortTensor) {
      return elements(data, data.size());
    }
    return fmt::format("{} ... ({} [{}]; -o json has all {})", elements(data, kBeginning),
                       text_at(output, "dtype"), joined_at(output, "shape"), data.size());
  }
  if (find(output, "b64") != nullptr) {
    return fmt::format("{} [{}] as bytes; -o json has them", text_at(output, "dtype"),
                       joined_at(output, "shape"));
  }
  return compact_json(output);
}

std::string all_labels(const json::value& output) {
  Table table({{.title = "LABEL"}, {.title = "SCORE", .align = Align::kRight}});
  for (const auto& label : items_at(output, "labels")) {
    table.add(
        {text_at(label, "label"), fmt::format("{:.4f}", number_at(label, "score").value_or(0))});
  }
  return table.render(false, false);
}

}  // namespace

bool has_ended(const json::value& job) {
  constexpr std::array<std::string_view, 6> kTerminal = {"SUCCEEDED", "FAILED",      "CANCELLED",
                                                         "EXPIRED",   "QUARANTINED", "MOVED"};
  return std::ranges::find(kTerminal, text_at(job, "state")) != kTerminal.end();
}

bool has_succeeded(const json::value& job) { return text_at(job, "state") == "SUCCEEDED"; }

std::string plain_answer(const json::value& outputs) {
  const json::object& all = members_at(outputs, "");
  const auto is_labels = [](const auto& member) {
    return find(member.value(), "labels") != nullptr;
  };
  if (std::ranges::count_if(all, is_labels) == 1) {
    return value_text(std::ranges::find_if(all, is_labels)->value()) + "\n";
  }
  if (all.size() == 1) {
    return value_text(all.begin()->value()) + "\n";
  }
  std::string text;
  for (const auto& member : all) {
    text += fmt::format("{}: {}\n", std::string_view(member.key()), value_text(member.value()));
  }
  return text;
}

std::string wide_answer(const json::value& job, bool colour) {
  Sheet sheet;
  if (has_succeeded(job)) {
    for (const auto& output : members_at(job, "result/outputs")) {
      const std::string name(output.key());
      if (find(output.value(), "labels") != nullptr) {
        sheet.block(name, all_labels(output.value()));
      } else {
        sheet.line(name, value_text(output.value()));
      }
    }
  }
  sheet.line("job", text_at(job, "id"));
  sheet.line("outcome", outcome_sentence(job));
  if (has_succeeded(job)) {
    sheet.block("objectives", predicted_and_actual(job, colour));
  }
  return sheet.render(colour);
}

std::string outcome_sentence(const json::value& job) {
  const std::string state = text_at(job, "state");
  if (has_succeeded(job)) {
    return fmt::format("{} on {} ({}) in {}", state, text_at(job, "result/node"),
                       text_at(job, "result/variant"),
                       objective_text(Objective::kLatency, find(job, "result/actual")));
  }
  const std::string why = text_at(job, "error/message");
  return why.empty() ? state : fmt::format("{}: {}", state, why);
}

}  // namespace skerry::cli
