// cordon, uncordon, drain NODE...
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "cli/commands.h"
#include "cli/json_read.h"
#include "cli/listings.h"
#include "cli/url.h"

namespace skerry::cli {

namespace {

struct NodeFlags {
  std::vector<std::string> names;
  bool wait = false;
};

struct Verb {
  std::string name;
  std::string help;
  std::string done;
};

std::string path_of(const std::string& name) { return "/nodes/" + url_escape(bare_name(name)); }

// Until the node has finished what it had; kDeadlineExceeded when the time is up.
Status await_drained(Context& context, const std::string& name) {
  constexpr auto kPause = milliseconds(250);
  const Instant until = context.clock.now() + context.settings.wait_timeout();
  while (true) {
    const auto node = context.api.get(path_of(name));
    if (!node) {
      return fail(node.error());
    }
    if (text_at(*node, "state") == "DRAINED") {
      return {};
    }
    if (context.clock.now() >= until) {
      return fail(
          ErrorCode::kDeadlineExceeded,
          fmt::format("node {} is {} with {} attempts outstanding; it goes on draining",
                      bare_name(name), text_at(*node, "state"), text_at(*node, "outstanding")));
    }
    std::this_thread::sleep_for(kPause);
  }
}

Result<ExitCode> change_nodes(Context& context, const Verb& verb, const NodeFlags& flags) {
  for (const std::string& name : flags.names) {
    const auto changed = context.api.change("POST", fmt::format("{}:{}", path_of(name), verb.name));
    if (!changed) {
      return fail(changed.error());
    }
    if (!flags.wait) {
      show_change(context.settings, "node/" + bare_name(name),
                  *changed ? verb.done : "unchanged: " + verb.done + " already");
    }
  }
  for (const std::string& name : flags.names) {
    if (!flags.wait) {
      break;
    }
    if (const Status drained = await_drained(context, name); !drained) {
      return fail(drained.error());
    }
    show_change(context.settings, "node/" + bare_name(name), "drained");
  }
  return ExitCode::kOk;
}

void add_verb(Command root, const Verb& verb, bool can_wait) {
  auto flags = std::make_shared<NodeFlags>();
  Command command = root.sub(verb.name, verb.help);
  command.add({.names = "NODE", .help = "which", .values = Values::kNodes, .required = true},
              flags->names);
  if (can_wait) {
    command.add({.names = "-w,--wait", .help = "until nothing runs there any more"}, flags->wait);
  }
  command.on_run([flags, verb](Context& context) { return change_nodes(context, verb, *flags); });
}

}  // namespace

void add_node(Command root) {
  add_verb(root, {.name = "cordon", .help = "Give a node no new work", .done = "cordoned"}, false);
  add_verb(root, {.name = "uncordon", .help = "Give a node work again", .done = "uncordoned"},
           false);
  add_verb(root,
           {.name = "drain",
            .help = "Give a node no new work and let it finish what it has",
            .done = "draining"},
           true);
}

}  // namespace skerry::cli
