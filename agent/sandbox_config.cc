#include "agent/sandbox_config.h"

#include <fmt/format.h>

#include <charconv>

namespace skerry::agent {
namespace {

using runner::Layer;

constexpr std::uint64_t kMib = 1u << 20;
constexpr std::uint32_t kMostUid = 0xFFFF'FFFE;
constexpr const char* kFreeUids =
    "1900000000-1900065535";  // between those that systemd gives away and the last

// Memory and tasks are bounded without a control group as well, though not all that the kernel keeps for them.
const char* default_demand(const std::string& profile, Layer layer) {
  if (profile == "off") {
    return "off";
  }
  return profile == "production" && layer != Layer::kCgroup ? "required" : "preferred";
}

void read_layers(ConfigFields fields, SandboxOptions& sandbox) {
  for (const Layer layer : runner::kLayers) {
    const std::string chosen = fields.choice(
        to_string(layer), default_demand(sandbox.profile, layer), {"required", "preferred", "off"});
    sandbox.demands[layer] = chosen == "off"        ? Demand::kOff
                             : chosen == "required" ? Demand::kRequired
                                                    : Demand::kPreferred;
  }
}

bool read_uid(std::string_view text, std::uint32_t& uid) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
  return error == std::errc() && end == text.data() + text.size() && uid > 0 && uid <= kMostUid;
}

void read_uids(ConfigFields fields, SandboxOptions& sandbox) {
  const std::string range = fields.text("uids", kFreeUids);
  const std::size_t dash = range.find('-');
  std::uint32_t last = 0;
  const bool valid = dash != std::string::npos &&
                     read_uid(std::string_view(range).substr(0, dash), sandbox.first_uid) &&
                     read_uid(std::string_view(range).substr(dash + 1), last) &&
                     last >= sandbox.first_uid;
  if (!valid) {
    return fields.issue(
        "uids", fmt::format("must be a range of users that nobody else has, as in {}", kFreeUids));
  }
  sandbox.uids = last - sandbox.first_uid + 1;
}

void read_environment(ConfigFields fields, const Environment& environment,
                      SandboxOptions& sandbox) {
  for (const std::string& entry :
       fields.texts("environment", {"LANG", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"})) {
    const std::size_t equals = entry.find('=');
    if (entry.empty() || equals == 0) {
      fields.issue("environment", "must name variables, as in LANG or TZ=UTC");
    } else if (equals != std::string::npos) {
      sandbox.environment.push_back(entry);
    } else if (const auto value = environment ? environment(entry) : std::nullopt) {
      sandbox.environment.push_back(fmt::format("{}={}", entry, *value));
    }
  }
}

std::vector<std::string> read_paths(ConfigFields fields, const char* key,
                                    std::vector<std::string> fallback) {
  std::vector<std::string> paths = fields.texts(key, std::move(fallback));
  for (const std::string& path : paths) {
    if (!path.starts_with('/') && path != "auto") {
      fields.issue(key, fmt::format("'{}' must be an absolute path", path));
    }
  }
  return paths;
}

}  // namespace

void read_sandbox(ConfigFields fields, const Environment& environment, AgentConfig& config) {
  SandboxOptions& sandbox = config.sandbox;
  sandbox.profile = fields.choice("profile", "default", {"production", "default", "off"});
  read_layers(fields.section("layers"), sandbox);
  read_uids(fields, sandbox);
  sandbox.scratch_bytes = fields.size_bytes("scratch", 16 * kMib, kMib, 1024 * 1024 * kMib);
  sandbox.threads = config.cpu.threads;
  read_environment(fields, environment, sandbox);
  sandbox.paths = read_paths(fields, "paths", {});
  sandbox.devices = read_paths(fields, "devices", {"auto"});
  config.finds_devices = std::erase(sandbox.devices, "auto") > 0;
  config.shares_runners = fields.boolean("share_runners", false);
}

}  // namespace skerry::agent
