// config.h: the controller's configuration, from YAML, environment and flags (docs/controller.md
// lists the settings).

#pragma once

#include <string>

#include "common/config.h"
#include "common/endpoint.h"
#include "common/error.h"
#include "common/log.h"
#include "common/model_trust.h"
#include "common/tls/files.h"
#include "controller/core/settings.h"
#include "controller/given_access.h"
#include "controller/installation_options.h"
#include "controller/oidc/settings.h"
#include "controller/store/store.h"

namespace skerry::controller {

constexpr const char* kUsualDataDir = "/var/lib/skerry/controller";

struct ControllerConfig {
  std::string data_dir;
  Endpoint api;
  tls::ServerFiles api_tls;
  std::string api_url;               // by which others reach it; empty = by its address and port
  std::uint64_t api_body_bytes = 0;  // of all request bodies and large answers held at once
  std::size_t api_connections = 0;
  std::size_t api_connections_per_address = 0;  // 0 = no limit
  bool api_tls_built_in = false;  // instead of files: a certificate of the installation's authority
  Endpoint agents;
  bool agent_tls = true;      // agents prove who they are; off with insecure_dev alone
  std::string agent_address;  // as agents dial it, if not at the host of REST and agents' port
  InstallationOptions installation;
  bool allow_anonymous = false;  // nobody is asked for a token; with insecure_dev alone
  bool insecure_dev = false;     // lets both listen beyond loopback without TLS, and nags about it
  std::string ready_file;     // gets the endpoints as JSON once requests are accepted; empty = none
  std::uint32_t threads = 1;  // that run the core and the API together
  Duration stop_grace{};
  LogOptions log;
  store::Backlog backlog_limit;     // of the disk, above which submits are refused
  std::uint64_t reserve_bytes = 0;  // of the disk, kept for accepted work
  Duration max_late{};              // of the core, likewise
  ModelTrust model_trust;
  std::string default_policy;  // a bundle's path, or "none"; empty = the one that comes along
  core::Settings core;
  GivenAccessOptions given_access;
  oidc::Settings oidc;
};

// kInvalidArgument with every issue, one a line. `effective`, if given, gets all settings as YAML.
Result<ControllerConfig> read_config(ConfigInput input, std::string* effective = nullptr);

}  // namespace skerry::controller
