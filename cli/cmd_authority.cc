// authority list|rotate|forget: who signs for nodes.
#include <fmt/format.h>

#include <boost/json/object.hpp>

#include "cli/commands.h"
#include "cli/json_read.h"
#include "cli/listings.h"
#include "cli/units.h"
#include "cli/url.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

Result<ExitCode> call(Context& context, std::string method, std::string path,
                      const json::value* body = nullptr) {
  const auto called =
      context.api.call({.method = std::move(method), .path = std::move(path), .body = body});
  if (!called) {
    return fail(called.error());
  }
  const json::value& answer = called->json;
  Table table({{"FINGERPRINT"}, {"STATE"}, {"SIGNS FROM"}, {"EXPIRES"}});
  std::vector<std::string> names;
  for (const auto& authority : items_at(answer, "items")) {
    table.add({text_at(authority, "fingerprint"), text_at(authority, "state"),
               text_at(authority, "signs_from"), text_at(authority, "expires_at")});
    names.push_back(text_at(authority, "fingerprint"));
  }
  if (context.settings.for_people()) {
    show(context.settings, table);
  } else {
    show(context.settings, answer, names);
  }
  return ExitCode::kOk;
}

Result<ExitCode> rotate(Context& context, const std::optional<Duration>& announcement) {
  json::object body;
  if (announcement) {
    body["announcement_s"] = to_seconds(*announcement);
  }
  const json::value document = std::move(body);
  return call(context, "POST", "/authorities:rotate", &document);
}

}  // namespace

void add_authority(Command root) {
  Command authority = root.sub("authority", "Who signs for nodes");
  authority.sub("list", "Authorities that sign, are going to, or did and are still believed")
      .on_run([](Context& context) { return call(context, "GET", "/authorities"); });
  auto announcement = std::make_shared<std::optional<Duration>>();
  Command rotated = authority.sub("rotate", "Make one that signs after an announcement");
  rotated.example(
      "  skerryctl authority rotate                       nodes hear of it when they renew\n"
      "  skerryctl authority rotate --announcement 0s     a key is no longer secret; nodes join "
      "anew\n");
  rotated.add({.names = "--announcement", .help = "how long it is only announced (48h)"},
              *announcement);
  rotated.on_run([announcement](Context& context) { return rotate(context, *announcement); });
  auto fingerprint = std::make_shared<std::string>();
  Command forgotten =
      authority.sub("forget", "Believe one no more; whoever it signed for has to join again");
  forgotten.add({.names = "FINGERPRINT", .help = "which", .required = true}, *fingerprint);
  forgotten.on_run([fingerprint](Context& context) {
    return call(context, "DELETE", "/authorities/" + url_escape(*fingerprint));
  });
}

}  // namespace skerry::cli
