#include "agent/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <thread>

#include "agent/credentials.h"
#include "agent/sandbox_config.h"
#include "common/endpoint.h"
#include "common/ids.h"
#include "common/tls/settings.h"
#include "common/trust_config.h"

namespace skerry::agent {
namespace {

constexpr const char* kUsualStateDir = "/var/lib/skerry/agent";
constexpr std::uint64_t kMib = 1u << 20;
constexpr std::uint64_t kTib = std::uint64_t{1} << 40;
constexpr std::uint32_t kQueuePerSlot = 4;

// A host's name as a node's: lower case, and what may not stand there becomes '-'.
std::string as_node_name(std::string host) {
  for (char& c : host) {
    const auto byte = static_cast<unsigned char>(c);
    c = std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte))
                                : (c == '.' || c == '_' ? c : '-');
  }
  host = host.substr(0, 63);
  return validate_name("node name", host) ? host : "node";
}

void read_cpu(ConfigFields fields, const MachineFacts& machine, AgentConfig& config) {
  config.cpu.threads = static_cast<std::uint32_t>(fields.integer("threads", 1, 1, 1024));
  config.cpu.share = fields.number("share", 1, 0.01, 1);
  for (const std::int64_t processor : fields.integers("affinity", 0, 1023)) {
    config.cpu.affinity.push_back(static_cast<int>(processor));
  }
  config.slots = std::max(machine.processors / config.cpu.threads, 1u);
}

void read_power(ConfigFields fields, AgentConfig::Power& power) {
  power.idle_w = fields.number("idle_w", 5, 0, 1e6);
  power.busy_w = fields.number("busy_w", 15, 0, 1e6);
  power.transfer_j_per_byte = fields.number("transfer_j_per_byte", 0, 0, 1);
  power.sensors = fields.choice("source", "auto", {"auto", "modelled"}) == "auto";
  if (power.busy_w < power.idle_w) {
    fields.issue("busy_w", "must not be less than idle_w");
  }
}

void read_runner(ConfigFields fields, const MachineFacts& machine, AgentConfig::Runner& runner) {
  runner.program = fields.text("program", machine.runner_program);
  runner.device = fields.text("device", "auto");
  runner.nice = static_cast<int>(fields.integer("nice", 0, 0, 19));
  runner.memory_limit_bytes = fields.size_bytes("memory_limit", 0, 0, kTib);
  runner.load_limit = fields.duration("load_limit", minutes(2), seconds(1), hours(1));
  runner.stall_limit = fields.duration("stall_limit", seconds(30), seconds(1), hours(1));
  runner.sequence_idle = fields.duration("sequence_idle", seconds(60), seconds(1), hours(24));
  runner.sequences = static_cast<std::uint32_t>(fields.integer("sequences", 8, 1, 1024));
}

JoinSettings read_join(ConfigFields fields) {
  JoinSettings join{.url = fields.text("url"),
                    .key_file = fields.text("key_file"),
                    .ca_file = fields.text("ca_file")};
  if (!join.is_set()) {
    return join;
  }
  if (!join.url.starts_with("https://")) {
    fields.issue("url", fmt::format("'{}' must be https://..., where the controller's REST API is",
                                    join.url));
  }
  for (const auto& [name, value] :
       {std::pair{"key_file", &join.key_file}, {"ca_file", &join.ca_file}}) {
    if (value->empty()) {
      fields.issue(name,
                   "must be set, too: to join by itself an agent needs url, key_file and ca_file");
    }
  }
  return join;
}

// "address:port"; empty: none.
void read_local_api(ConfigFields fields, bool insecure_dev, AgentConfig::LocalApi& api) {
  const std::string listen = fields.text("listen");
  api.max_jobs = static_cast<std::uint64_t>(fields.integer("max_jobs", 10'000, 1, 10'000'000));
  api.tls = tls::read_server_files(fields.section("tls"));
  api.allow_anonymous = fields.boolean("allow_anonymous", false);
  if (api.allow_anonymous && !insecure_dev) {
    fields.issue("allow_anonymous", "lets everybody do everything: only with insecure_dev: true");
  }
  if (listen.empty()) {
    return;
  }
  const auto endpoint = parse_listen_address(listen, insecure_dev || api.tls);
  if (!endpoint) {
    return fields.issue("listen", endpoint.error().message);
  }
  api.address = endpoint->address;
  api.port = endpoint->port;
}

// "aten::save", "torchvision::*", or "torch.classes.xnnpack.Conv2dOpContext".
bool is_operator_name(std::string_view name) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == ':' ||
           c == '*';
  };
  const std::size_t star = name.find('*');
  const bool whole_space =
      star == std::string_view::npos || (star + 1 == name.size() && name.ends_with("::*"));
  return std::ranges::all_of(name, plain) && whole_space &&
         (name.find("::") != std::string_view::npos || name.starts_with("torch.classes."));
}

std::vector<std::string> read_operators(ConfigFields fields, std::string_view key) {
  std::vector<std::string> names = fields.texts(key);
  for (const std::string& name : names) {
    if (!is_operator_name(name)) {
      fields.issue(key,
                   fmt::format("'{}' is no operator, such as aten::save, or torchvision::* for "
                               "all of a namespace",
                               name));
    }
  }
  return names;
}

void read_models(ConfigFields fields, inspect::Policy& policy) {
  constexpr std::uint64_t kGib = 1024 * kMib;
  inspect::Limits& limits = policy.limits;
  limits.artifact_bytes = fields.size_bytes("max_artifact", limits.artifact_bytes, 1, kTib);
  limits.code_bytes = fields.size_bytes("max_code", limits.code_bytes, 1, kGib);
  limits.pickle_bytes = fields.size_bytes("max_pickle", limits.pickle_bytes, 1, kGib);
  limits.entries =
      static_cast<std::uint32_t>(fields.integer("max_entries", limits.entries, 1, 10'000'000));
  limits.ratio = static_cast<std::uint32_t>(fields.integer("max_ratio", limits.ratio, 1, 100'000));
  policy.allow = read_operators(fields, "allow_operators");
  policy.deny = read_operators(fields, "deny_operators");
}

void read_log(ConfigFields fields, LogOptions& log) {
  log.part = "agent";
  log.level = fields.choice("level", "info", {"trace", "debug", "info", "warn", "error", "off"});
  log.format = fields.choice("format", "auto", {"auto", "text", "json"});
}

}  // namespace

std::string program_beside(const std::string& name, const std::string& folder) {
  std::error_code ignored;
  const auto beside = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const auto& candidate : {beside / name, beside / folder / name}) {
    if (std::filesystem::is_regular_file(candidate, ignored)) {
      return candidate.string();
    }
  }
  return "/usr/lib/skerry/" + name;
}

MachineFacts this_machine() {
  std::array<char, 256> host = {};
  ::gethostname(host.data(), host.size() - 1);
  return {.host_name = host.data(),
          .processors = std::max(std::thread::hardware_concurrency(), 1u),
          .memory_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                          static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)),
          .runner_program = program_beside("skerry-runner", "runner")};
}

std::string state_dir_of(ConfigReader& reader) {
  return reader.root().text("state_dir", kUsualStateDir);
}

AgentConfig read_agent_config(ConfigReader& reader, const MachineFacts& machine) {
  ConfigFields root = reader.root();
  AgentConfig config;
  const auto& joined = machine.membership;
  config.name = root.text("name", joined ? joined->node : as_node_name(machine.host_name));
  if (const Status valid = validate_name("node name", config.name); !valid) {
    root.issue("name", valid.error().message);
  }
  if (joined && config.name != joined->node) {
    root.issue("name",
               fmt::format("is '{}', but this machine joined as '{}': leave it out, or join "
                           "again",
                           config.name, joined->node));
  }
  config.controller = root.text("controller", joined ? joined->agents : "127.0.0.1:8081");
  config.state_dir = root.text("state_dir", kUsualStateDir);
  config.insecure_dev = root.boolean("insecure_dev", false);
  ConfigFields tls = root.section("tls");
  config.tls = {.identity = tls.text("identity"), .trust = tls.text("trust")};
  if (joined && !config.tls.is_set()) {
    const Papers papers(config.state_dir);
    config.tls = {.identity = papers.identity_file(), .trust = papers.trust_file()};
    config.renews = true;
  }
  config.join = read_join(root.section("join"));
  if (const Status secured = check_secured(config.controller, config.insecure_dev, config.tls);
      !secured) {
    root.issue("controller", "is refused: " + secured.error().message);
  }
  config.tier = root.choice("tier", "edge", {"device", "edge", "cloud"});
  config.site = root.text("site");
  if (const Status valid = validate_name("site", config.site); !config.site.empty() && !valid) {
    root.issue("site", valid.error().message);
  }
  config.labels = root.text_map("labels");
  config.engines = root.texts("engines", {"torch", "noop"});
  for (const std::string& engine : config.engines) {
    if (engine != "torch" && engine != "noop") {
      root.issue("engines", fmt::format("names '{}', and only torch and noop are known", engine));
    }
  }
  read_cpu(root.section("cpu"), machine, config);
  config.slots = static_cast<std::uint32_t>(root.integer("slots", config.slots, 1, 1024));
  const std::int64_t deep = std::max<std::int64_t>(config.slots * kQueuePerSlot, kQueuePerSlot);
  config.queue_depth =
      static_cast<std::uint32_t>(root.integer("queue_depth", deep, kQueuePerSlot, 65536));
  config.memory_bytes =
      root.size_bytes("memory", machine.memory_bytes / 2 / kMib * kMib, kMib, 64 * kTib);
  config.speed = root.number("speed", 1, 1e-3, 1e3);
  config.price_usd_per_hour = root.number("price_usd_per_hour", 0, 0, 1e6);
  read_power(root.section("power"), config.power);
  ConfigFields link = root.section("link");
  config.link.rtt = link.duration("rtt", milliseconds(1), Duration(0), hours(1));
  config.link.bandwidth_bytes_per_s =
      static_cast<double>(link.size_bytes("bandwidth_per_s", 100 * kMib, 1, kTib));
  read_runner(root.section("runner"), machine, config.runner);
  read_sandbox(root.section("sandbox"), process_environment(), config);
  read_local_api(root.section("local_api"), config.insecure_dev, config.local_api);
  read_models(root.section("models"), config.models);
  config.model_trust = read_model_signing(root.section("model_signing"), true);
  config.cache_bytes = root.section("cache").size_bytes("size", 4096 * kMib, kMib, 64 * kTib);
  config.heartbeat = root.duration("heartbeat", seconds(1), milliseconds(50), minutes(1));
  config.stop_limit = root.duration("stop_limit", seconds(10), Duration(0), hours(1));
  read_log(root.section("log"), config.log);
  return config;
}

}  // namespace skerry::agent
