// token create|list|revoke; whoami; auth can-i; node token ..., node revoke.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/commands.h"
#include "cli/json_read.h"
#include "cli/listings.h"
#include "cli/units.h"
#include "cli/url.h"
#include "common/join_line.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

struct CreateFlags {
  std::vector<std::string> roles;
  std::string description;
  std::optional<Duration> ttl;
};

std::string shown_grants(const json::value& of) {
  std::string text;
  for (const auto& grant : items_at(of, "grants")) {
    const std::string ns = text_at(grant, "namespace");
    text += fmt::format("{}{}:{}", text.empty() ? "" : ", ", text_at(grant, "role"),
                        ns.empty() ? "*" : ns);
  }
  return text;
}

// "submitter" is of the namespace that -n names, "submitter:vision" of that one, "submitter:*" of all.
json::object grant_of(const std::string& text, const std::string& usual) {
  const auto colon = text.find(':');
  const std::string ns = colon == std::string::npos ? usual : text.substr(colon + 1);
  json::object grant{{"role", text.substr(0, colon)}};
  if (!ns.empty() && ns != "*") {
    grant["namespace"] = ns;
  }
  return grant;
}

void put_ttl(json::object& body, const std::optional<Duration>& ttl) {
  if (ttl) {
    body["ttl_s"] = to_seconds(*ttl);
  }
}

Result<json::value> post(Context& context, const std::string& path, const json::value& body) {
  auto answer = context.api.call({.method = "POST", .path = path, .body = &body});
  return answer ? Result<json::value>(std::move(answer->json)) : fail(std::move(answer).error());
}

// The secret goes to standard output alone, so that it can be piped into a file.
void show_secret(Context& context, const json::value& made, const char* what = "token") {
  if (!context.settings.for_people()) {
    show(context.settings, made, {text_at(made, what)});
    return;
  }
  note(fmt::format("token {} until {}; it is shown this once", text_at(made, "id"),
                   text_at(made, "expires_at")));
  print(text_at(made, what) + "\n");
}

Result<ExitCode> create(Context& context, const CreateFlags& flags) {
  json::array grants;
  for (const std::string& role : flags.roles) {
    grants.push_back(grant_of(role, context.settings.ns));
  }
  json::object body{{"grants", std::move(grants)}, {"description", flags.description}};
  put_ttl(body, flags.ttl);
  const auto made = post(context, "/tokens", body);
  if (!made) {
    return fail(made.error());
  }
  show_secret(context, *made);
  return ExitCode::kOk;
}

Result<ExitCode> list(Context& context, const std::string& path, Table table,
                      const std::function<std::vector<Cell>(const json::value&)>& row) {
  const auto answer = context.api.get(path);
  if (!answer) {
    return fail(answer.error());
  }
  std::vector<std::string> names;
  for (const auto& item : items_at(*answer, "items")) {
    table.add(row(item));
    names.push_back(text_at(item, "id"));
  }
  if (context.settings.for_people()) {
    show(context.settings, table);
  } else {
    show(context.settings, *answer, names);
  }
  return ExitCode::kOk;
}

Result<ExitCode> list_tokens(Context& context) {
  const Instant now = context.clock.now();
  return list(
      context, "/tokens",
      Table({{"ID"}, {"ROLES"}, {"DESCRIPTION"}, {"BY", {}, true}, {"AGE"}, {"USED"}, {"EXPIRES"}}),
      [now](const json::value& token) -> std::vector<Cell> {
        return {text_at(token, "id"),
                shown_grants(token),
                text_at(token, "description"),
                text_at(token, "created_by"),
                age_of(text_at(token, "created_at"), now),
                age_of(text_at(token, "last_used_at"), now),
                text_at(token, "expires_at")};
      });
}

Result<ExitCode> change_each(Context& context, const std::string& method, const std::string& path,
                             const std::vector<std::string>& ids, const std::string& suffix,
                             const std::string& kind, const std::string& done) {
  for (const std::string& id : ids) {
    const auto changed = context.api.change(method, path + url_escape(bare_name(id)) + suffix);
    if (!changed) {
      return fail(changed.error());
    }
    show_change(context.settings, kind + "/" + bare_name(id),
                *changed ? done : "unchanged: " + done + " already");
  }
  return ExitCode::kOk;
}

Result<ExitCode> whoami(Context& context) {
  const auto me = context.api.get("/whoami");
  if (!me) {
    return fail(me.error());
  }
  if (!context.settings.for_people()) {
    show(context.settings, *me, {text_at(*me, "caller")});
    return ExitCode::kOk;
  }
  Sheet sheet;
  sheet.line("Caller", text_at(*me, "caller"));
  sheet.line("Roles", shown_grants(*me));
  sheet.line("Until", text_at(*me, "until"));
  print(sheet.render(false));
  return ExitCode::kOk;
}

Result<ExitCode> can_i(Context& context, const std::string& permission) {
  const auto answer = context.api.get(
      "/access" + query({{"permission", permission}, {"namespace", context.settings.ns}}));
  if (!answer) {
    return fail(answer.error());
  }
  const bool allowed = true_at(*answer, "allowed");
  if (context.settings.for_people()) {
    print(allowed ? "yes\n" : "no\n");
  } else {
    show(context.settings, *answer, {allowed ? "yes" : "no"});
  }
  return allowed ? ExitCode::kOk : ExitCode::kRequestFailed;
}

struct JoinFlags {
  std::string name;
  std::string url;
  std::string site;
  std::vector<std::string> labels;
  std::optional<Duration> ttl;
};

Result<ExitCode> create_join_token(Context& context, const JoinFlags& flags) {
  json::object body{{"name", flags.name}};
  if (!flags.site.empty()) {
    body["site"] = flags.site;
  }
  json::object labels;
  for (const std::string& label : flags.labels) {
    const auto pair = parse_pair(label);
    if (!pair) {
      return fail(pair.error());
    }
    labels[pair->first] = pair->second;
  }
  if (!labels.empty()) {
    body["labels"] = std::move(labels);
  }
  put_ttl(body, flags.ttl);
  const auto made = post(context, "/join-tokens", body);
  if (!made) {
    return fail(made.error());
  }
  const std::string authority = text_at(*made, "authority");
  if (authority.empty()) {
    show_secret(context, *made);
    return ExitCode::kOk;
  }
  const bool of_one = flags.name.find('*') == std::string::npos;
  json::object told = made->get_object();
  told["line"] =
      to_text(JoinLine{.token = text_at(*made, "token"),
                       .url = flags.url.empty() ? context.settings.server.text() : flags.url,
                       .authority = authority,
                       .node = of_one ? flags.name : std::string()});
  show_secret(context, told, "line");
  return ExitCode::kOk;
}

Result<ExitCode> list_join_tokens(Context& context) {
  return list(
      context, "/join-tokens",
      Table({{"ID"}, {"NODES"}, {"SITE"}, {"STATE"}, {"USED FOR"}, {"BY", {}, true}, {"EXPIRES"}}),
      [](const json::value& token) -> std::vector<Cell> {
        return {text_at(token, "id"),        text_at(token, "name"),
                text_at(token, "site"),      text_at(token, "state"),
                text_at(token, "used_for"),  text_at(token, "created_by"),
                text_at(token, "expires_at")};
      });
}

void add_ids(Command& command, std::vector<std::string>& into, const char* what, Values values) {
  command.add({.names = what, .help = "which", .values = values, .required = true}, into);
}

}  // namespace

void add_token(Command root) {
  Command token = root.sub("token", "Tokens of programs that call the API");
  auto flags = std::make_shared<CreateFlags>();
  Command made = token.sub("create", "Make a token; its text is shown this once");
  made.example(
      "  skerryctl token create --role submitter:vision --description ci > ci.token\n"
      "  skerryctl token create --role 'metrics:*' --ttl 8760h\n");
  made.add({.names = "--role",
            .help = "ROLE[:NAMESPACE], * for all; viewer, submitter, operator, namespace-admin, "
                    "cluster-admin, auditor, metrics",
            .value = "ROLE",
            .required = true},
           flags->roles);
  made.add({.names = "--description", .help = "what it is for", .value = "TEXT"},
           flags->description);
  made.add({.names = "--ttl", .help = "how long it is good for (2160h)"}, flags->ttl);
  made.on_run([flags](Context& context) { return create(context, *flags); });
  token.sub("list", "Tokens, without their secrets").on_run(list_tokens);
  auto ids = std::make_shared<std::vector<std::string>>();
  Command revoked = token.sub("revoke", "Refuse tokens from now on");
  add_ids(revoked, *ids, "ID", Values::kAny);
  revoked.on_run([ids](Context& context) {
    return change_each(context, "DELETE", "/tokens/", *ids, "", "token", "revoked");
  });
}

void add_auth(Command root) {
  root.sub("whoami", "Who the controller takes you for, and what you may do").on_run(whoami);
  Command auth = root.sub("auth", "What you may do");
  auto permission = std::make_shared<std::string>();
  Command can = auth.sub("can-i", "Whether you have a permission; exit code 1 if not");
  can.example("  skerryctl auth can-i submit-jobs -n vision\n");
  can.add({.names = "PERMISSION",
           .help = "submit-jobs, read-jobs, operate-nodes, ...",
           .required = true},
          *permission);
  can.on_run([permission](Context& context) { return can_i(context, *permission); });
}

void add_node_access(Command root) {
  Command node = root.sub("node", "Let machines join as nodes, and cut them off");
  Command token = node.sub("token", "Tokens to join by, each good for one machine");
  auto flags = std::make_shared<JoinFlags>();
  Command made = token.sub("create", "Make one; skerry-agent join takes what it prints");
  made.example("  skerryctl node token create --name shop-17 --ttl 1h\n");
  made.add(
      {.names = "--name", .help = "of the node; a * in it stands for anything", .required = true},
      flags->name);
  made.add({.names = "--site", .help = "that the node gets, whatever its agent says"}, flags->site);
  made.add({.names = "--label", .help = "likewise, several times", .value = "KEY=VALUE"},
           flags->labels);
  made.add({.names = "--ttl", .help = "how long it is good for (1h)"}, flags->ttl);
  made.add({.names = "--url",
            .help = "of the controller as the machine reaches it (default: as you do)",
            .value = "URL"},
           flags->url);
  made.on_run([flags](Context& context) { return create_join_token(context, *flags); });
  token.sub("list", "Join tokens, without their secrets").on_run(list_join_tokens);
  auto ids = std::make_shared<std::vector<std::string>>();
  Command gone = token.sub("delete", "Refuse join tokens from now on");
  add_ids(gone, *ids, "ID", Values::kAny);
  gone.on_run([ids](Context& context) {
    return change_each(context, "DELETE", "/join-tokens/", *ids, "", "join-token", "deleted");
  });
  auto names = std::make_shared<std::vector<std::string>>();
  Command revoked = node.sub("revoke", "Cut nodes off at once; they have to join again");
  add_ids(revoked, *names, "NODE", Values::kNodes);
  revoked.on_run([names](Context& context) {
    return change_each(context, "POST", "/nodes/", *names, ":revoke", "node", "revoked");
  });
}

}  // namespace skerry::cli
