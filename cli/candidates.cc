#include "cli/candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <tuple>

#include "cli/json_read.h"
#include "cli/objectives.h"
#include "cli/units.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

json::value choice_of(const json::value& decision) {
  const json::value* choice = find(decision, "choice");
  return choice != nullptr ? *choice : json::value();
}

bool is_choice(const json::value& candidate, const json::value& choice) {
  return text_at(candidate, "node") == text_at(choice, "node") &&
         text_at(candidate, "variant") == text_at(choice, "variant");
}

std::vector<Cell> cells_of(const json::value& candidate, bool chosen, CandidateNotes notes) {
  const json::value* predicted = find(candidate, "predicted");
  const auto part = [&](std::string_view member) {
    const auto ms = predicted == nullptr ? std::nullopt : number_at(*predicted, member);
    return ms ? human_ms(*ms) : std::string();
  };
  const auto score = number_at(candidate, "score");
  const auto cost = number_at(candidate, "predicted_cost");
  std::vector<Cell> cells = {chosen ? Cell("*", Tone::kGood) : Cell(" "),
                             text_at(candidate, "node"), text_at(candidate, "variant"),
                             score ? fmt::format("{:.3f}", *score) : ""};
  if (notes == CandidateNotes::kLeftOut) {
    cells.emplace_back(cost ? fmt::format("{:.3f}", *cost) : "");
  }
  const std::vector<Cell> predictions = {objective_text(Objective::kLatency, predicted),
                                         objective_text(Objective::kEnergy, predicted),
                                         objective_text(Objective::kCost, predicted),
                                         objective_text(Objective::kError, predicted),
                                         part("latency_deviation_ms"),
                                         part("wait_ms"),
                                         part("transfer_ms"),
                                         part("load_ms"),
                                         part("service_ms")};
  cells.insert(cells.end(), predictions.begin(), predictions.end());
  return cells;
}

// 0 = the choice, 1 = not dominated, 2 = dominated, 3 = excluded.
int rank_of(const json::value& candidate, const json::value& choice) {
  if (!true_at(candidate, "eligible")) {
    return 3;
  }
  if (is_choice(candidate, choice)) {
    return 0;
  }
  return true_at(candidate, "non_dominated") ? 1 : 2;
}

Cell note_of(const json::value& candidate, int rank) {
  switch (rank) {
    case 0:
    case 1:
      return {"best trade-off", Tone::kGood};
    case 2:
      return {"dominated", Tone::kDim};
    default: {
      const std::string sentence = text_at(candidate, "reason_text");
      return {fmt::format("{}{}{}", text_at(candidate, "reason"), sentence.empty() ? "" : ": ",
                          sentence),
              Tone::kBad};
    }
  }
}

}  // namespace

Table candidate_table(CandidateNotes notes) {
  std::vector<Column> columns = {{.title = " "},
                                 {.title = "NODE"},
                                 {.title = "VARIANT"},
                                 {.title = "SCORE", .align = Align::kRight},
                                 {.title = "LATENCY", .align = Align::kRight},
                                 {.title = "ENERGY", .align = Align::kRight},
                                 {.title = "COST", .align = Align::kRight},
                                 {.title = "ERROR", .align = Align::kRight},
                                 {.title = "+-", .align = Align::kRight, .wide = true},
                                 {.title = "WAIT", .align = Align::kRight, .wide = true},
                                 {.title = "TRANSFER", .align = Align::kRight, .wide = true},
                                 {.title = "LOAD", .align = Align::kRight, .wide = true},
                                 {.title = "SERVICE", .align = Align::kRight, .wide = true}};
  if (notes == CandidateNotes::kShown) {
    columns.push_back({.title = "NOTE"});
  } else {
    columns.insert(columns.begin() + 4, {.title = "PREDICTED", .align = Align::kRight});
  }
  return Table(std::move(columns));
}

void add_candidates(Table& table, const json::array& candidates, const json::value& decision) {
  const json::value choice = choice_of(decision);
  for (const auto& candidate : candidates) {
    table.add(cells_of(candidate, is_choice(candidate, choice), CandidateNotes::kLeftOut));
  }
}

void add_planned(Table& table, const json::array& candidates, const json::value& plan) {
  const json::value choice = choice_of(plan);
  std::vector<const json::value*> ordered;
  for (const auto& candidate : candidates) {
    ordered.push_back(&candidate);
  }
  std::ranges::sort(ordered, {}, [&](const json::value* candidate) {
    return std::tuple(rank_of(*candidate, choice), number_at(*candidate, "score").value_or(0),
                      text_at(*candidate, "node"), text_at(*candidate, "variant"));
  });
  for (const json::value* candidate : ordered) {
    const int rank = rank_of(*candidate, choice);
    auto cells = cells_of(*candidate, rank == 0, CandidateNotes::kShown);
    if (rank == 3) {
      cells[3] = Cell();  // a score means nothing for what cannot be chosen
    }
    cells.push_back(note_of(*candidate, rank));
    table.add(std::move(cells));
  }
}

}  // namespace skerry::cli
