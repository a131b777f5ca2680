// skerryctl: the command line of Skerry. docs/skerryctl.md shows it in use.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/completion.h"
#include "common/version.h"

namespace skerry::cli {
namespace {

void add_globals(Command root, GlobalFlags& flags) {
  root.add(
      {.names = "-s,--server", .help = "the controller (http://127.0.0.1:8080)", .value = "URL"},
      flags.server);
  root.add({.names = "-n,--namespace", .help = "submit to it, list only it", .value = "NAME"},
           flags.ns);
  root.add({.names = "--ca-file",
            .help = "the authority of an https:// server (the system's)",
            .value = "FILE",
            .values = Values::kFiles},
           flags.ca_file);
  root.add({.names = "--token-file",
            .help = "holds the token to show; only its owner may read it",
            .value = "FILE",
            .values = Values::kFiles},
           flags.token_file);
  root.add({.names = "--insecure-skip-verify",
            .help = "take any https:// server for the right one; it gets no token"},
           flags.insecure_skip_verify);
  root.add({.names = "-o,--output",
            .help = "how to print (table)",
            .choices = {"table", "wide", "json", "yaml", "name"}},
           flags.output);
  root.add(
      {.names = "--timeout", .help = "longest wait for an answer (30s; for work to be done, 5m)"},
      flags.timeout);
  root.add({.names = "--config",
            .help = "instead of ~/.config/skerry/config.yaml",
            .value = "FILE",
            .values = Values::kFiles},
           flags.config);
}

void add_commands(Command root) {
  for (const auto& add :
       {add_get,       add_describe, add_apply,     add_submit, add_wait,        add_check,
        add_explain,   add_plan,     add_node,      add_events, add_top,         add_policy,
        add_decisions, add_replay,   add_token,     add_auth,   add_node_access, add_authority,
        add_audit,     add_version,  add_completion}) {
    add(root);
  }
}

int run_action(const Action& action, const GlobalFlags& flags) {
  const auto settings = resolve_settings(flags, process_environment());
  if (!settings) {
    print_error(settings.error());
    return static_cast<int>(ExitCode::kUsage);
  }
  if (flags.insecure_skip_verify) {
    note(
        "WARNING: nobody verifies that this is the server you mean. Whoever is on the way can read "
        "and "
        "change everything (--insecure-skip-verify)");
  }
  Api api(*settings);
  SystemClock clock;
  Context context{.settings = *settings, .api = api, .clock = clock};
  const auto done = action(context);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    print_error({.code = ErrorCode::kIo, .message = "cannot write to standard output"});
    return static_cast<int>(ExitCode::kRequestFailed);
  }
  if (!done) {
    print_error(done.error());
    return static_cast<int>(exit_code_of(done.error().code));
  }
  return static_cast<int>(*done);
}

int run(int argc, char** argv) {
  GlobalFlags flags;
  CommandTree tree(
      "skerryctl",
      "skerryctl places inference work on a Skerry cluster, and shows what became of it.\n");
  tree.set_version(fmt::format("skerryctl {}", kVersion));
  add_globals(tree.root(), flags);
  add_commands(tree.root());
  if (argc > 1 && std::string(argv[1]) == kCompleteCommand) {
    return complete_line(tree, {argv + 2, argv + argc});
  }
  const auto parsed = tree.parse(argc, argv);
  if (const auto* code = std::get_if<ExitCode>(&parsed)) {
    return static_cast<int>(*code);
  }
  return run_action(std::get<Action>(parsed), flags);
}

}  // namespace
}  // namespace skerry::cli

int main(int argc, char** argv) {
  try {
    return skerry::cli::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
