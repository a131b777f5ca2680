// settings.h: the section `oidc` of the controller's configuration: whose tokens are believed, where their keys come
// from, and which claims give which roles (docs/controller.md lists the settings).
//
// Without issuers no token is believed. Values; read once at start-up.

#pragma once

#include <string>
#include <vector>

#include "common/config.h"
#include "common/time.h"
#include "controller/oidc/jwt.h"
#include "controller/oidc/key_cache.h"
#include "controller/oidc/role_rules.h"
#include "controller/outbound/policy.h"

namespace skerry::oidc {

struct IssuerSettings {
  std::string name;  // for logs and callers' ids; Rules::issuer is what tokens call it
  Rules rules;
  std::string key_file;     // a set of keys; or
  std::string jwks_url;     // where one is; or, with neither, where discovery says
  outbound::Policy policy;  // of what is fetched for it
  std::vector<RoleRule> roles;
};

struct Settings {
  KeyTimes times;
  std::vector<IssuerSettings> issuers;
};

// What is wrong becomes issues of the fields' reader.
Settings read_settings(ConfigFields fields);

}  // namespace skerry::oidc
