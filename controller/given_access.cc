#include "controller/given_access.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>

#include "common/ids.h"
#include "controller/core/name_pattern.h"

namespace skerry::controller {

namespace {

constexpr std::string_view kAllNamespaces = "*";

std::vector<core::Grant> read_grants(ConfigFields fields) {
  const std::string name = fields.required_text("role");
  const auto role = core::parse_role(name);
  if (!role && !name.empty()) {
    fields.issue("role", fmt::format("must be one of {}",
                                     fmt::join(core::kRoles | std::views::transform([](auto one) {
                                                 return core::to_string(one);
                                               }),
                                               ", ")));
  }
  std::vector<core::Grant> grants;
  for (const std::string& ns : fields.texts("namespaces", {std::string(kAllNamespaces)})) {
    if (const Status valid = validate_name("namespace", ns); ns != kAllNamespaces && !valid) {
      fields.issue("namespaces", valid.error().message);
    }
    grants.push_back({.role = role.value_or(core::Role::kViewer),
                      .ns = ns == kAllNamespaces ? std::string() : ns});
  }
  if (grants.empty()) {
    fields.issue("namespaces", "must name at least one, or be left out for all");
  }
  return grants;
}

void check_name(ConfigFields fields, const std::string& name, std::vector<std::string>& taken) {
  if (const Status valid = validate_name("name", name); !name.empty() && !valid) {
    fields.issue("name", valid.error().message);
  }
  if (std::ranges::find(taken, name) != taken.end()) {
    fields.issue("name", fmt::format("'{}' is taken by another one of the list", name));
  }
  taken.push_back(name);
}

template <typename List>
std::vector<std::string> paths_of(const List& list) {
  std::vector<std::string> paths;
  std::ranges::transform(list, std::back_inserter(paths), [](const auto& one) { return one.file; });
  return paths;
}

}  // namespace

GivenAccessOptions read_given_access(ConfigFields root) {
  GivenAccessOptions options;
  std::vector<std::string> names;
  for (ConfigFields fields : root.sections("token_files")) {
    TokenFile token{.name = fields.required_text("name"),
                    .file = fields.required_text("file"),
                    .grants = read_grants(fields)};
    check_name(fields, token.name, names);
    options.tokens.push_back(std::move(token));
  }
  names.clear();
  for (ConfigFields fields : root.sections("join_keys")) {
    JoinKeyFile key{.file = fields.required_text("file"),
                    .grant = {.key_name = fields.required_text("name"),
                              .name_pattern = fields.required_text("nodes"),
                              .labels = fields.text_map("labels"),
                              .site = fields.text("site"),
                              .replace = fields.boolean("replace", false)}};
    check_name(fields, key.grant.key_name, names);
    if (const Status valid = core::validate_name_pattern("nodes", key.grant.name_pattern);
        !key.grant.name_pattern.empty() && !valid) {
      fields.issue("nodes", valid.error().message);
    }
    if (const Status valid = validate_name("site", key.grant.site);
        !key.grant.site.empty() && !valid) {
      fields.issue("site", valid.error().message);
    }
    options.join_keys.push_back(std::move(key));
  }
  return options;
}

Result<std::unique_ptr<GivenAccess>> GivenAccess::open(GivenAccessOptions options, Clock& clock,
                                                       Log& log) {
  const auto say = [&log](bool good, std::string_view sentence) {
    log.log(good ? spdlog::level::info : spdlog::level::warn, "{}", sentence);
  };
  std::unique_ptr<GivenAccess> made(new GivenAccess(std::move(options)));
  auto tokens = secrets::GivenSecrets::open(paths_of(made->options_.tokens), clock, say);
  if (!tokens) {
    return fail(tokens.error().code, "token_files: " + tokens.error().message);
  }
  auto join_keys = secrets::GivenSecrets::open(paths_of(made->options_.join_keys), clock, say);
  if (!join_keys) {
    return fail(join_keys.error().code, "join_keys: " + join_keys.error().message);
  }
  made->tokens_ = *std::move(tokens);
  made->join_keys_ = *std::move(join_keys);
  return made;
}

std::optional<auth::Caller> GivenAccess::caller(std::string_view shown) {
  const auto found = tokens_->find(shown);
  if (!found) {
    return std::nullopt;
  }
  const TokenFile& token = options_.tokens[*found];
  return auth::Caller{.id = "file:" + token.name, .grants = token.grants};
}

std::optional<core::JoinGrant> GivenAccess::join_grant(std::string_view shown) {
  const auto found = join_keys_->find(shown);
  return found ? std::optional(options_.join_keys[*found].grant) : std::nullopt;
}

bool GivenAccess::has_admin() const {
  const core::Grant all{.role = core::Role::kClusterAdmin};
  return std::ranges::any_of(options_.tokens, [&](const TokenFile& token) {
    return std::ranges::find(token.grants, all) != token.grants.end();
  });
}

}  // namespace skerry::controller
