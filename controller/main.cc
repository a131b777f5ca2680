// skerry-controller: the daemon that accepts jobs and places them on agents.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/process.h"
#include "common/service/health.h"
#include "common/version.h"
#include "controller/daemon.h"
#include "controller/make_secrets.h"

namespace {

using skerry::ConfigInput;

// Flags that stand for a setting of the configuration; --set reaches all the others.
struct SettingFlag {
  const char* flag;
  const char* setting;
  const char* help;
};
constexpr SettingFlag kFlags[] = {
    {"--data-dir", "data_dir",
     "where the store and the blobs lie (default /var/lib/skerry/controller)"},
    {"--api-listen", "api_listen",
     "address:port of the REST API (default 127.0.0.1:8080; port 0 = any free one)"},
    {"--agent-listen", "agent_listen", "address:port for agents (default 127.0.0.1:8081)"},
    {"--ready-file", "ready_file", "gets both endpoints as JSON once requests are accepted"},
    {"--default-policy", "default_policy",
     "a policy bundle to start with, or none (default: the one that comes with the program)"},
    {"--log-level", "log.level", "trace, debug, info, warn or error"},
    {"--log-format", "log.format", "auto, text or json"},
};

skerry::Result<ConfigInput> gather(const std::string& file,
                                   const std::map<std::string, std::string>& given,
                                   const std::vector<std::string>& sets, bool insecure_dev) {
  ConfigInput input{.kind = "ControllerConfig",
                    .text = {},
                    .origin = file,
                    .env_prefix = "SKERRY_CONTROLLER",
                    .environment = skerry::process_environment(),
                    .flags = given};
  if (!file.empty()) {
    auto text = skerry::read_config_file(file);
    if (!text) {
      return skerry::fail(std::move(text).error());
    }
    input.text = *std::move(text);
  }
  for (const auto& set : sets) {
    auto setting = skerry::parse_setting(set);
    if (!setting) {
      return skerry::fail(std::move(setting).error());
    }
    input.flags.insert_or_assign(setting->first, setting->second);
  }
  if (insecure_dev) {
    input.flags["insecure_dev"] = "true";
  }
  return input;
}

int complain(const skerry::Error& error, int status) {
  fmt::print(stderr, "skerry-controller: {}\n", error.message);
  for (const auto& field : error.fields) {
    if (!error.message.contains(field.message)) {  // those of the configuration are in it
      fmt::print(stderr, "  {}: {}\n", field.field, field.message);
    }
  }
  return status;
}

struct SecretFolders {
  std::string all;
  std::string agents;   // what they need of it; empty: nowhere
  std::string metrics;  // likewise whoever reads /metrics
  std::string admins;
};

int make_secrets(const SecretFolders& folders) {
  if (const auto owner = skerry::become_owner_of(folders.all); !owner) {
    return complain(owner.error(), 1);
  }
  const auto made = skerry::controller::make_secrets(folders.all, skerry::SystemClock().now());
  if (!made) {
    return complain(made.error(), 1);
  }
  for (const auto& [into, file] : {std::pair{&folders.agents, "join.key"},
                                   {&folders.metrics, "tokens/metrics"},
                                   {&folders.admins, "tokens/admin"}}) {
    if (into->empty()) {
      continue;
    }
    if (const auto shared = skerry::controller::share_secrets(folders.all, {"ca.pem", file}, *into);
        !shared) {
      return complain(shared.error(), 1);
    }
  }
  for (const std::string& path : *made) {
    fmt::print("made {}\n", path);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  skerry::keep_secrets();
  CLI::App app{
      "Accepts inference jobs over REST and places them on agents. Settings come from flags, then "
      "variables "
      "SKERRY_CONTROLLER_..., then the file."};
  app.set_version_flag("--version",
                       fmt::format("skerry-controller {} ({})", skerry::kVersion, skerry::kCommit));
  std::string file = skerry::usual_config_file("controller");
  std::map<std::string, std::string> values;
  std::vector<std::string> sets;
  bool insecure_dev = false;
  bool print_config = false;
  app.add_option("--config", file,
                 "YAML file (apiVersion: skerry/v1, kind: ControllerConfig; default: "
                 "/etc/skerry/controller.yaml, if it is there)");
  for (const auto& flag : kFlags) {
    app.add_option_function<std::string>(
        flag.flag,
        [&values, setting = flag.setting](const std::string& value) { values[setting] = value; },
        flag.help);
  }
  app.add_option("--set", sets, "any setting, e.g. core.policy=jsq");
  app.add_flag("--insecure-dev", insecure_dev, "allow listening beyond loopback without TLS");
  app.add_flag("--print-config", print_config, "print all settings as they stand, and exit");
  auto* config_command = app.add_subcommand("config", "about configuration files");
  auto* validate =
      config_command->add_subcommand("validate", "say what is wrong with a file, and exit");
  validate->add_option("file", file, "the file")->required();
  config_command->require_subcommand(1);
  bool wants_ready = false;
  auto* health = app.add_subcommand(
      "health", "say whether the controller of this data_dir is alive: exit status 0 or 1");
  health->add_flag("--ready", wants_ready, "whether it takes work, too");
  health->fallthrough();
  SecretFolders secret_folders;
  auto* secrets = app.add_subcommand(
      "secrets",
      "make what an installation is given before it runs, as far as it is not there: an authority, "
      "tokens, a key to join by");
  secrets->add_option("folder", secret_folders.all, "where they go, each for this user alone")
      ->required();
  secrets->add_option("--for-agents", secret_folders.agents,
                      "a folder that gets what agents need: ca.pem, join.key");
  secrets->add_option("--for-metrics", secret_folders.metrics,
                      "a folder that gets what Prometheus needs: ca.pem, metrics");
  secrets->add_option("--for-admins", secret_folders.admins,
                      "a folder that gets what people with every right need: ca.pem, admin");
  CLI11_PARSE(app, argc, argv);
  if (secrets->parsed()) {
    return make_secrets(secret_folders);
  }

  constexpr int kBadConfig = 78;  // EX_CONFIG
  auto input = gather(file, values, sets, insecure_dev);
  if (!input) {
    return complain(input.error(), kBadConfig);
  }
  if (health->parsed()) {  // what else is wrong with the file is not its question
    skerry::ConfigReader reader(*std::move(input));
    const auto status = skerry::service::ask_health(
        reader.root().text("data_dir", skerry::controller::kUsualDataDir), wants_ready);
    return status ? 0 : complain(status.error(), 1);
  }
  std::string effective;
  auto config = skerry::controller::read_config(*std::move(input), &effective);
  if (!config) {
    return complain(config.error(), kBadConfig);
  }
  if (validate->parsed()) {
    fmt::print("{}: ok\n", file);
    return 0;
  }
  if (print_config) {
    fmt::print("{}", effective);
    return 0;
  }
  if (auto status = skerry::controller::run_daemon(*config); !status) {
    return complain(status.error(), 1);
  }
  return 0;
}
