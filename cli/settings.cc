#include "cli/settings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "cli/json_text.h"
#include "common/ids.h"

namespace skerry::cli {

namespace {

constexpr std::string_view kDefaultServer = "http://127.0.0.1:8080";

struct ConfigFile {
  std::string path;
  bool named = false;  // by the user: then it must be there
};

ConfigFile config_file(const GlobalFlags& flags, const Environment& environment) {
  if (!flags.config.empty()) {
    return {.path = flags.config, .named = true};
  }
  if (const auto path = environment("SKERRY_CONFIG")) {
    return {.path = *path, .named = true};
  }
  if (const auto folder = environment("XDG_CONFIG_HOME"); folder && !folder->empty()) {
    return {.path = *folder + "/skerry/config.yaml"};
  }
  const auto home = environment("HOME");
  return {.path = home ? *home + "/.config/skerry/config.yaml" : ""};
}

Result<ConfigInput> config_input(const GlobalFlags& flags, const Environment& environment) {
  const ConfigFile file = config_file(flags, environment);
  ConfigInput input{.kind = "ClientConfig",
                    .origin = file.path,
                    .env_prefix = "SKERRY",
                    .environment = environment};
  if (!file.path.empty()) {
    auto text = read_config_file(file.path);
    if (text) {
      input.text = std::move(*text);
    } else if (file.named || text.error().code != ErrorCode::kNotFound) {
      return fail(std::move(text).error());
    }
  }
  const std::array<std::pair<std::string, std::string>, 4> given = {
      {{"server", flags.server},
       {"namespace", flags.ns},
       {"ca_file", flags.ca_file},
       {"token_file", flags.token_file}}};
  for (const auto& [setting, value] : given) {
    if (!value.empty()) {
      input.flags[setting] = compact_json(boost::json::string(value));
    }
  }
  return input;
}

}  // namespace

Format parse_format(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Format>, 4> kOthers = {
      {{"wide", Format::kWide},
       {"json", Format::kJson},
       {"yaml", Format::kYaml},
       {"name", Format::kName}}};
  for (const auto& [known, format] : kOthers) {
    if (name == known) {
      return format;
    }
  }
  return Format::kTable;
}

Result<Settings> resolve_settings(const GlobalFlags& flags, const Environment& environment) {
  auto input = config_input(flags, environment);
  if (!input) {
    return fail(std::move(input).error());
  }
  ConfigReader reader(std::move(*input));
  ConfigFields fields = reader.root();
  const std::string server = fields.text("server", kDefaultServer);
  Settings settings{.ns = fields.text("namespace"),
                    .format = parse_format(flags.output),
                    .timeout = flags.timeout};
  settings.access = {.files = {.ca_file = fields.text("ca_file"),
                               .certificate_file = fields.text("certificate_file"),
                               .key_file = fields.text("key_file")},
                     .verify = !flags.insecure_skip_verify,
                     .token = {}};
  const std::string token_file = fields.text("token_file");
  if (settings.access.files.certificate_file.empty() != settings.access.files.key_file.empty()) {
    fields.issue("key_file", "comes together with certificate_file");
  }
  if (const Status read = reader.finish(); !read) {
    return fail(read.error());
  }
  auto url = parse_url(server);
  if (!url) {
    return fail(std::move(url).error());
  }
  settings.server = std::move(*url);
  if (!token_file.empty()) {
    auto token = read_token(token_file);
    if (!token) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("the token file of --token-file, SKERRY_TOKEN_FILE or `token_file`: {}",
                      token.error().message));
    }
    settings.access.token = *std::move(token);
  }
  if (!settings.ns.empty()) {
    if (const Status named = validate_name("namespace", settings.ns); !named) {
      return fail(named.error());
    }
  }
  settings.interactive = isatty(STDOUT_FILENO) == 1;
  settings.colour = settings.interactive && !environment("NO_COLOR");
  settings.progress = isatty(STDERR_FILENO) == 1;
  return settings;
}

}  // namespace skerry::cli
