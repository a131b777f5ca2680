// settings.h: what holds for every command: where the controller is, the namespace, the output
// format, how long to wait.
//
// A flag wins over an environment variable (SKERRY_SERVER, SKERRY_NAMESPACE, SKERRY_CA_FILE,
// SKERRY_TOKEN_FILE), which wins over the configuration file
// ($XDG_CONFIG_HOME/skerry/config.yaml, else ~/.config/skerry/config.yaml, or what --config or
// SKERRY_CONFIG names):
//
//   apiVersion: skerry/v1
//   kind: ClientConfig
//   server: https://skerry.example:8080
//   namespace: shop
//   ca_file: /etc/skerry/ca.pem
//   token_file: /etc/skerry/token
//
// A token is named by its file only, since arguments and variables are seen by others. Not to verify
// the server is a flag only, so that nobody forgets it in a file.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/access.h"
#include "cli/url.h"
#include "common/config.h"
#include "common/error.h"
#include "common/time.h"

namespace skerry::cli {

enum class Format : std::uint8_t { kTable, kWide, kJson, kYaml, kName };

// As given on the command line; empty = not given.
struct GlobalFlags {
  std::string server;
  std::string ns;
  std::string ca_file;
  std::string token_file;
  bool insecure_skip_verify = false;
  std::string config;
  std::string output = "table";
  std::optional<Duration> timeout;
};

struct Settings {
  Url server;
  Access access;
  std::string ns;  // empty = not said: submit to "default", list all
  Format format = Format::kTable;
  std::optional<Duration> timeout;
  bool colour = false;       // of standard output
  bool interactive = false;  // standard output is a terminal
  bool progress = false;     // standard error is a terminal

  bool wide() const { return format == Format::kWide; }
  // For people: a table, plain or wide.
  bool for_people() const { return format == Format::kTable || format == Format::kWide; }
  Duration request_timeout() const { return timeout.value_or(seconds(30)); }
  // Of commands that wait for work to be done.
  Duration wait_timeout() const { return timeout.value_or(minutes(5)); }
};

// kInvalidArgument with every issue of the file and the variables; kNotFound if a file was named
// that is not there; as read_token().
Result<Settings> resolve_settings(const GlobalFlags& flags, const Environment& environment);

Format parse_format(std::string_view name);

}  // namespace skerry::cli
