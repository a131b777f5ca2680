// version
#include <fmt/format.h>

#include <boost/json/object.hpp>

#include "cli/commands.h"
#include "cli/json_read.h"
#include "common/version.h"

namespace skerry::cli {

namespace {

Result<ExitCode> show_version(Context& context, bool client_only) {
  boost::json::object versions{{"client", {{"version", kVersion}, {"commit", kCommit}}}};
  std::string text = fmt::format("client  {} ({})\n", kVersion, kCommit);
  std::optional<Error> unreachable;
  if (!client_only) {
    auto server = context.api.get("//version");
    if (server) {
      text +=
          fmt::format("server  {} ({})\n", text_at(*server, "version"), text_at(*server, "commit"));
      versions["server"] = std::move(*server);
    } else {
      unreachable = std::move(server).error();
    }
  }
  if (context.settings.for_people()) {
    print(text);
  } else {
    show(context.settings, versions, {std::string(kVersion)});
  }
  return unreachable ? Result<ExitCode>(fail(*std::move(unreachable))) : ExitCode::kOk;
}

}  // namespace

void add_version(Command root) {
  auto client_only = std::make_shared<bool>(false);
  Command version = root.sub("version", "The versions of skerryctl and of the controller");
  version.add({.names = "--client", .help = "do not ask the controller"}, *client_only);
  version.on_run([client_only](Context& context) { return show_version(context, *client_only); });
}

}  // namespace skerry::cli
