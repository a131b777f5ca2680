// get nodes|jobs|models|policies [NAME...]
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/commands.h"
#include "cli/json_read.h"
#include "cli/listings.h"
#include "cli/model_path.h"
#include "cli/url.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

// A kind of thing that can be listed.
struct Kind {
  std::string name;  // "node", as in node/edge-1
  std::string path;  // "/nodes"
  std::string (*name_of)(const json::value&);
  Table (*table)();
  void (*add_row)(Table&, const json::value&, Instant now);
};

const Kind kNodes = {"node", "/nodes",
                     [](const json::value& node) { return text_at(node, "name"); }, node_table,
                     add_node_row};
const Kind kJobs = {"job", "/jobs", [](const json::value& job) { return text_at(job, "id"); },
                    job_table, add_job_row};
const Kind kModels = {
    "model", "/models", model_name, model_table,
    [](Table& table, const json::value& model, Instant) { add_model_row(table, model); }};

Result<json::array> fetch_named(Context& context, const Kind& kind,
                                const std::vector<std::string>& names) {
  json::array items;
  for (const std::string& name : names) {
    auto item = &kind == &kModels
                    ? fetch_model(context, name)
                    : context.api.get(fmt::format("{}/{}", kind.path, url_escape(bare_name(name))));
    if (!item) {
      return fail(std::move(item).error());
    }
    items.push_back(std::move(*item));
  }
  return items;
}

Result<json::array> fetch_all(Context& context, const Kind& kind) {
  auto answer = context.api.get(kind.path);
  return answer ? Result<json::array>(items_at(*answer, "items")) : fail(std::move(answer).error());
}

void show_items(Context& context, const Kind& kind, const json::array& items, bool one) {
  if (context.settings.for_people()) {
    Table table = kind.table();
    for (const auto& item : items) {
      kind.add_row(table, item, context.clock.now());
    }
    if (table.empty()) {
      note(fmt::format("no {}s", kind.name));
      return;
    }
    show(context.settings, table);
    return;
  }
  std::vector<std::string> names;
  for (const auto& item : items) {
    names.push_back(fmt::format("{}/{}", kind.name, kind.name_of(item)));
  }
  show(context.settings, one ? items.front() : json::value{{"items", items}}, names);
}

Result<ExitCode> get_items(Context& context, const Kind& kind,
                           const std::vector<std::string>& names) {
  const auto items = names.empty() ? fetch_all(context, kind) : fetch_named(context, kind, names);
  if (!items) {
    return fail(items.error());
  }
  show_items(context, kind, *items, names.size() == 1);
  return ExitCode::kOk;
}

struct JobsFlags {
  std::vector<std::string> names;
  std::string state;
  std::string model;
  std::int64_t limit = 50;
};

// Pages of at most 1,000, as the controller allows, until there are enough.
Result<ExitCode> get_jobs(Context& context, const JobsFlags& flags) {
  if (!flags.names.empty()) {
    return get_items(context, kJobs, flags.names);
  }
  constexpr std::size_t kPage = 1000;
  const auto limit = flags.limit == 0 ? SIZE_MAX : static_cast<std::size_t>(flags.limit);
  json::array items;
  std::string cursor;
  do {
    auto page = context.api.get(
        "/jobs" + query({{"state", flags.state},
                         {"model", flags.model},
                         {"namespace", context.settings.ns},
                         {"limit", std::to_string(std::min(kPage, limit - items.size()))},
                         {"cursor", cursor}}));
    if (!page) {
      return fail(std::move(page).error());
    }
    for (const auto& item : items_at(*page, "items")) {
      items.push_back(item);
    }
    cursor = text_at(*page, "next_cursor");
  } while (!cursor.empty() && items.size() < limit);
  show_items(context, kJobs, items, false);
  if (!cursor.empty() && context.settings.for_people()) {
    note(fmt::format("the newest {}; --limit N shows more, --limit 0 all", items.size()));
  }
  return ExitCode::kOk;
}

void add_jobs(Command get) {
  auto flags = std::make_shared<JobsFlags>();
  Command jobs = get.sub("jobs", "Newest first", {"job"});
  jobs.add({.names = "ID", .help = "only these", .values = Values::kJobs}, flags->names);
  jobs.add({.names = "--state",
            .help = "only in this state",
            .choices = {"READY", "LEASED", "RUNNING", "BACKOFF", "UNKNOWN", "SUCCEEDED", "FAILED",
                        "CANCELLED", "EXPIRED", "QUARANTINED", "MOVED"}},
           flags->state);
  jobs.add({.names = "--model",
            .help = "only of this model",
            .value = "MODEL",
            .values = Values::kModels},
           flags->model);
  jobs.add({.names = "--limit", .help = "how many at most; 0 = all (50)", .value = "N"},
           flags->limit);
  jobs.on_run([flags](Context& context) { return get_jobs(context, *flags); });
}

void add_kind(Command get, const std::string& name, const std::string& help, const Kind& kind,
              Values values) {
  auto names = std::make_shared<std::vector<std::string>>();
  Command command = get.sub(name, help, {kind.name});
  command.add({.names = "NAME", .help = "only these", .values = values}, *names);
  command.on_run([names, &kind](Context& context) { return get_items(context, kind, *names); });
}

}  // namespace

void add_get(Command root) {
  Command get = root.sub("get", "List nodes, jobs, models or policies, or show some by name");
  get.example(
      "  skerryctl get nodes -o wide\n"
      "  skerryctl get jobs --state FAILED --model digits\n"
      "  skerryctl get model digits -o yaml\n");
  add_kind(get, "nodes", "The machines that run models", kNodes, Values::kNodes);
  add_jobs(get);
  add_kind(get, "models", "What can be asked for", kModels, Values::kModels);
  add_get_policies(get);
}

}  // namespace skerry::cli
