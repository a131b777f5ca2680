// explain JOB: why it went where it went, and what came of it.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/answer.h"
#include "cli/candidates.h"
#include "cli/commands.h"
#include "cli/json_read.h"
#include "cli/listings.h"
#include "cli/objectives.h"
#include "cli/url.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

// The reasons why candidates were left out, as counted: "3 no_credit, 2 tier".
std::string masked_text(const json::value& decision) {
  std::string text;
  for (const auto& member : members_at(decision, "masked")) {
    if (number_at(member.value(), "").value_or(0) > 0) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", text_at(member.value(), ""),
                          std::string_view(member.key()));
    }
  }
  return text;
}

double cost_of(const json::value& decision, const json::value& choice) {
  for (const auto& candidate : items_at(decision, "candidates")) {
    if (text_at(candidate, "node") == text_at(choice, "node") &&
        text_at(candidate, "variant") == text_at(choice, "variant")) {
      return number_at(candidate, "predicted_cost").value_or(0);
    }
  }
  return 0;
}

// What a shadow would have chosen: "edge-2 large (+0.120)", by the predicted cost.
std::string shadow_text(const json::value& decision, const json::value& shadow) {
  const json::value* choice = find(shadow, "choice");
  const json::value* chosen = find(decision, "choice");
  if (choice == nullptr || !choice->is_object() || chosen == nullptr) {
    return "gave no answer";
  }
  if (*choice == *chosen) {
    return "the same";
  }
  return fmt::format("{} {} ({:+.3f})", text_at(*choice, "node"), text_at(*choice, "variant"),
                     cost_of(decision, *choice) - cost_of(decision, *chosen));
}

std::string decision_text(Context& context, const json::value& decision) {
  Sheet sheet;
  const std::string version = text_at(decision, "policy_version");
  sheet.line("Attempt", text_at(decision, "attempt"));
  sheet.line("Decided at", text_at(decision, "at"));
  sheet.line("Policy", version.empty()
                           ? text_at(decision, "policy")
                           : fmt::format("{} {}", text_at(decision, "policy"), version));
  sheet.line("Fell back", Cell(text_at(decision, "fallback_reason"), Tone::kBusy));
  sheet.line("Second attempt", text_at(decision, "hedge_reason"));
  sheet.line("Left out", masked_text(decision));
  for (const auto& shadow : items_at(decision, "shadows")) {
    sheet.line("Shadow " + text_at(shadow, "policy"), shadow_text(decision, shadow));
  }
  Table table = candidate_table(CandidateNotes::kLeftOut);
  add_candidates(table, items_at(decision, "candidates"), decision);
  const auto recorded = items_at(decision, "candidates").size();
  const double considered = number_at(decision, "considered").value_or(0);
  sheet.line("Not shown", considered > static_cast<double>(recorded)
                              ? fmt::format("{} candidates of worse scores",
                                            considered - static_cast<double>(recorded))
                              : "");
  sheet.block("Candidates (predicted; * = chosen, smaller scores are better)",
              table.render(context.settings.wide(), context.settings.colour));
  return sheet.render(context.settings.colour);
}

std::string explanation(Context& context, const json::value& job, const json::array& decisions) {
  Sheet head;
  head.line("Job", text_at(job, "id"));
  head.line("Model", text_at(job, "model"));
  head.line("Outcome", {outcome_sentence(job), tone_of_state(text_at(job, "state"))});
  head.line("Waits for", Cell(joined_at(job, "waiting_for"), Tone::kBusy));
  if (const json::value* preference = find(job, "preference")) {
    head.line("Preference", preference_text(*preference));
  }
  head.line("Constraints", joined_at(job, "constraints"));
  std::string text = head.render(context.settings.colour);
  for (const auto& decision : decisions) {
    text += "\n" + decision_text(context, decision);
  }
  if (decisions.empty()) {
    text += "\nNo decision yet.\n";
  }
  if (has_succeeded(job)) {
    text += fmt::format("\nPredicted and actual (energy {}):\n{}",
                        text_at(job, "result/usage/energy_source"),
                        predicted_and_actual(job, context.settings.colour));
  }
  return text;
}

Result<ExitCode> explain(Context& context, const std::string& id) {
  const std::string path = "/jobs/" + url_escape(bare_name(id));
  auto job = context.api.get(path);
  if (!job) {
    return fail(std::move(job).error());
  }
  auto decisions = context.api.get(path + "/decisions");
  if (!decisions) {
    return fail(std::move(decisions).error());
  }
  if (context.settings.for_people()) {
    print(explanation(context, *job, items_at(*decisions, "items")));
  } else {
    show(context.settings, *decisions, {"job/" + bare_name(id)});
  }
  return ExitCode::kOk;
}

}  // namespace

void add_explain(Command root) {
  auto id = std::make_shared<std::string>();
  Command command =
      root.sub("explain", "Why a job went where it went: candidates, predictions, scores, reasons");
  command.add({.names = "JOB", .help = "its id", .values = Values::kJobs, .required = true}, *id);
  command.on_run([id](Context& context) { return explain(context, *id); });
}

}  // namespace skerry::cli
