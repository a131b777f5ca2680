// plan MODEL ...: the dry run.
#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "cli/candidates.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/json_read.h"

namespace skerry::cli {

namespace {

struct PlanFlags {
  JobFlags job;
  std::int64_t input_bytes = 0;
};

void show_plan(Context& context, const boost::json::value& plan) {
  Table table = candidate_table(CandidateNotes::kShown);
  const auto& candidates = items_at(plan, "candidates");
  add_planned(table, candidates, plan);
  show(context.settings, table);
  const std::string node = text_at(plan, "choice/node");
  note(node.empty()
           ? fmt::format("nobody can take it now ({} candidates looked at)", candidates.size())
           : fmt::format("would run on {} with variant {}", node, text_at(plan, "choice/variant")));
}

Result<ExitCode> plan(Context& context, const PlanFlags& flags) {
  auto body = full_body(context, flags.job);
  if (!body) {
    return fail(std::move(body).error());
  }
  if (flags.input_bytes > 0) {
    (*body)["input_bytes"] = flags.input_bytes;
  }
  const boost::json::value request = std::move(*body);
  const auto answer = context.api.call({.method = "POST", .path = "/placements", .body = &request});
  if (!answer) {
    return fail(answer.error());
  }
  const std::string node = text_at(answer->json, "choice/node");
  if (context.settings.for_people()) {
    show_plan(context, answer->json);
  } else {
    show(context.settings, answer->json,
         node.empty() ? std::vector<std::string>() : std::vector{"node/" + node});
  }
  return node.empty() ? ExitCode::kUnavailable : ExitCode::kOk;
}

}  // namespace

void add_plan(Command root) {
  auto flags = std::make_shared<PlanFlags>();
  Command command =
      root.sub("plan", "What a job would be up against: every node and variant, predicted");
  command.example(
      "  skerryctl plan digits --preference green\n"
      "  skerryctl plan digits --tier cloud --deadline 50ms -o wide\n");
  command.add(
      {.names = "MODEL", .help = "may stand in the file instead", .values = Values::kModels},
      flags->job.model);
  command.add({.names = "-f,--file",
               .help = "a job as JSON or YAML; options win over it",
               .value = "FILE",
               .values = Values::kFiles},
              flags->job.file);
  add_input_flags(command, flags->job);
  command.add({.names = "--input-bytes", .help = "instead of real inputs", .value = "N"},
              flags->input_bytes);
  add_preference_flags(command, flags->job);
  command.on_run([flags](Context& context) { return plan(context, *flags); });
}

}  // namespace skerry::cli
