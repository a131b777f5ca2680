// get policies, policy list|get|apply|promote|shadow|unshadow|rollback|delete
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "cli/commands.h"
#include "cli/inputs.h"
#include "cli/json_read.h"
#include "cli/listings.h"
#include "cli/policy_listing.h"
#include "cli/url.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

std::string path_of(const std::string& name) { return "/policies/" + url_escape(bare_name(name)); }

Result<ExitCode> list_policies(Context& context) {
  const auto answer = context.api.get("/policies");
  if (!answer) {
    return fail(answer.error());
  }
  if (!context.settings.for_people()) {
    std::vector<std::string> names;
    for (const auto& item : items_at(*answer, "available")) {
      names.push_back("policy/" + text_at(item, ""));
    }
    show(context.settings, *answer, names);
    return ExitCode::kOk;
  }
  show(context.settings, policy_table(*answer, context.clock.now()));
  if (const std::string breaker = breaker_sentence(*answer); !breaker.empty()) {
    note(breaker);
  }
  return ExitCode::kOk;
}

struct GetFlags {
  std::string name;
  std::string version;
  bool weights = false;
};

Result<ExitCode> get_policy(Context& context, const GetFlags& flags) {
  const auto policy =
      context.api.get(path_of(flags.name) + query({{"version", flags.version},
                                                   {"weights", flags.weights ? "true" : ""}}));
  if (!policy) {
    return fail(policy.error());
  }
  if (context.settings.for_people()) {
    print(policy_sheet(*policy, context.clock.now()).render(context.settings.colour));
    return ExitCode::kOk;
  }
  const json::value* bundle = flags.weights ? find(*policy, "bundle") : nullptr;
  show(context.settings, bundle != nullptr ? *bundle : *policy,
       {"policy/" + bare_name(flags.name)});
  return ExitCode::kOk;
}

Result<ExitCode> apply_policies(Context& context, const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    const auto text = read_file(file);
    if (!text) {
      return fail(text.error());
    }
    json::error_code malformed;
    const json::value bundle = json::parse(*text, malformed);
    if (malformed) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is no policy bundle: it is no JSON, or not all of it ({})", file,
                              malformed.message()));
    }
    const std::string name = text_at(bundle, "name");
    if (name.empty()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is no policy bundle: it has no name", file));
    }
    // As it is in the file: a number that is read and written again may be another one.
    const auto answer = context.api.call({.method = "PUT", .path = path_of(name), .text = &*text});
    if (!answer) {
      return fail(answer.error());
    }
    show_change(context.settings, "policy/" + name,
                true_at(answer->json, "changed") ? "applied" : "unchanged");
  }
  return ExitCode::kOk;
}

// Something that is done to policies by name.
struct Verb {
  std::string name;
  std::string help;
  std::string method;
  std::string suffix;  // of the path
  std::string done;
  std::string done_already;
  std::vector<std::string> aliases = {};
};

Result<ExitCode> change_policies(Context& context, const Verb& verb,
                                 const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto changed = context.api.change(verb.method, path_of(name) + verb.suffix);
    if (!changed) {
      return fail(changed.error());
    }
    show_change(context.settings, "policy/" + bare_name(name),
                *changed ? verb.done : verb.done_already);
  }
  return ExitCode::kOk;
}

void add_verb(Command policy, const Verb& verb) {
  auto names = std::make_shared<std::vector<std::string>>();
  Command command = policy.sub(verb.name, verb.help, verb.aliases);
  command.add({.names = "NAME", .help = "which", .values = Values::kPolicies, .required = true},
              *names);
  command.on_run(
      [names, verb](Context& context) { return change_policies(context, verb, *names); });
}

Result<ExitCode> roll_back(Context& context) {
  const auto done = context.api.change("POST", "/policies:rollback");
  if (!done) {
    return fail(done.error());
  }
  const auto policies = context.api.get("/policies");
  if (!policies) {
    return fail(policies.error());
  }
  show_change(context.settings, "policy/" + text_at(*policies, "active"), "active again");
  return ExitCode::kOk;
}

void add_policy_get(Command policy) {
  auto flags = std::make_shared<GetFlags>();
  Command get = policy.sub("get", "One policy with its card, and how it does as a shadow");
  get.add({.names = "NAME", .help = "which", .values = Values::kPolicies, .required = true},
          flags->name);
  get.add({.names = "--version", .help = "an older one that is still held", .value = "VERSION"},
          flags->version);
  get.add({.names = "--weights", .help = "with -o json: the bundle as it was applied"},
          flags->weights);
  get.on_run([flags](Context& context) { return get_policy(context, *flags); });
}

void add_policy_apply(Command policy) {
  auto files = std::make_shared<std::vector<std::string>>();
  Command apply = policy.sub("apply", "Hand over a policy bundle; what decides does not change");
  apply.add(
      {.names = "-f,--file",
       .help = "a bundle, as skerry-rl export writes it; - is standard input; may be repeated",
       .value = "FILE",
       .values = Values::kFiles,
       .required = true},
      *files);
  apply.on_run([files](Context& context) { return apply_policies(context, *files); });
}

}  // namespace

void add_get_policies(Command get) {
  get.sub("policies", "How nodes are chosen", {"policy"}).on_run(list_policies);
}

void add_policy(Command root) {
  Command policy = root.sub("policy", "Show or change how nodes are chosen");
  policy.sub("list", "The policies, which is active, and how shadows compare")
      .on_run(list_policies);
  add_policy_get(policy);
  add_policy_apply(policy);
  add_verb(policy, {.name = "promote",
                    .help = "Let this policy choose nodes from now on",
                    .method = "POST",
                    .suffix = ":promote",
                    .done = "promoted",
                    .done_already = "active already",
                    .aliases = {"use"}});
  add_verb(policy, {.name = "shadow",
                    .help = "Let this policy score every decision without effect",
                    .method = "POST",
                    .suffix = ":shadow",
                    .done = "shadowing",
                    .done_already = "shadowing already"});
  add_verb(policy, {.name = "unshadow",
                    .help = "Stop a shadow",
                    .method = "POST",
                    .suffix = ":unshadow",
                    .done = "unshadowed",
                    .done_already = "no shadow"});
  policy.sub("rollback", "Let the policy that was active before choose again").on_run(roll_back);
  add_verb(policy, {.name = "delete",
                    .help = "Forget a bundle that is neither active nor a shadow",
                    .method = "DELETE",
                    .suffix = "",
                    .done = "deleted",
                    .done_already = "deleted"});
}

}  // namespace skerry::cli
