// get policies, policy list, policy use NAME
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/commands.h"
#include "cli/json_read.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

Result<ExitCode> list_policies(Context& context) {
  const auto answer = context.api.get("/policies");
  if (!answer) {
    return fail(answer.error());
  }
  const std::string active = text_at(*answer, "active");
  Table table({{.title = "NAME"}, {.title = "ACTIVE"}});
  std::vector<std::string> names;
  for (const auto& item : items_at(*answer, "available")) {
    const std::string name = text_at(item, "");
    table.add({name, name == active ? Cell("yes", Tone::kGood) : Cell()});
    names.push_back("policy/" + name);
  }
  if (context.settings.for_people()) {
    show(context.settings, table);
  } else {
    show(context.settings, *answer, names);
  }
  return ExitCode::kOk;
}

Result<ExitCode> use_policy(Context& context, const std::string& name) {
  const json::value body{{"name", name}};
  const auto changed = context.api.change("PUT", "/policies/active", &body);
  if (!changed) {
    return fail(changed.error());
  }
  show_change(context.settings, "policy/" + name, *changed ? "in use" : "in use already");
  return ExitCode::kOk;
}

}  // namespace

void add_get_policies(Command get) {
  get.sub("policies", "How nodes are chosen", {"policy"}).on_run(list_policies);
}

void add_policy(Command root) {
  Command policy = root.sub("policy", "Show or change how nodes are chosen");
  policy.sub("list", "The policies, and which is in use").on_run(list_policies);
  auto name = std::make_shared<std::string>();
  Command use = policy.sub("use", "Choose nodes by this policy from now on");
  use.add(
      {.names = "NAME", .help = "greedy, jsq, ...", .values = Values::kPolicies, .required = true},
      *name);
  use.on_run([name](Context& context) { return use_policy(context, *name); });
}

}  // namespace skerry::cli
