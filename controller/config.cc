#include "controller/config.h"

#include <fmt/format.h>

#include "common/endpoint.h"
#include "common/pki/peer_id.h"
#include "common/tls/settings.h"
#include "common/trust_config.h"
#include "controller/driver.h"
#include "controller/store/rocks_store.h"
#include "scheduler/policy.h"

namespace skerry::controller {

namespace {

Endpoint read_endpoint(ConfigFields fields, std::string_view key, std::string_view fallback,
                       bool off_loopback) {
  const auto endpoint = parse_listen_address(fields.text(key, fallback), off_loopback);
  if (!endpoint) {
    fields.issue(key, endpoint.error().message);
    return {};
  }
  return *endpoint;
}

void read_breaker(ConfigFields fields, scheduler::BreakerOptions& breaker) {
  const auto count = [&](std::string_view key, std::uint32_t& value, std::int64_t most) {
    value = static_cast<std::uint32_t>(fields.integer(key, value, 1, most));
  };
  breaker.slow = fields.duration("slow", breaker.slow, microseconds(10), minutes(1));
  count("slow_in_a_row", breaker.slow_in_a_row, 1000);
  breaker.rest = fields.duration("rest", breaker.rest, milliseconds(10), hours(24));
  breaker.longest_rest =
      fields.duration("longest_rest", breaker.longest_rest, milliseconds(10), hours(24));
  count("trial_every", breaker.trial_every, 1'000'000);
  count("good_trials", breaker.good_trials, 1'000'000);
  count("drift_window", breaker.drift.window, 1'000'000);
  breaker.drift.ratio = fields.number("drift_ratio", breaker.drift.ratio, 1.0, 10.0);
  if (breaker.longest_rest < breaker.rest) {
    fields.issue("longest_rest", "must be at least rest");
  }
}

void read_hedging(ConfigFields fields, core::Settings& settings) {
  settings.hedging = fields.boolean("enabled", settings.hedging);
  settings.hedge_budget = fields.number("budget", settings.hedge_budget, 0.0, 1.0);
  settings.hedge_min_outcomes = static_cast<std::uint32_t>(
      fields.integer("min_outcomes", settings.hedge_min_outcomes, 1, 1'000'000));
  settings.hedge_min_samples = static_cast<std::uint32_t>(
      fields.integer("min_samples", settings.hedge_min_samples, 1, 1'000'000));
}

void read_quota(ConfigFields fields, core::Quota& quota) {
  constexpr std::int64_t kMost = 1'000'000'000;
  const auto count = [&](std::string_view key, std::uint64_t& value) {
    value =
        static_cast<std::uint64_t>(fields.integer(key, static_cast<std::int64_t>(value), 0, kMost));
  };
  quota.jobs_per_s = fields.number("jobs_per_s", quota.jobs_per_s, 0, 1e9);
  count("burst_jobs", quota.burst_jobs);
  count("max_open_jobs", quota.max_open_jobs);
  count("max_running", quota.max_running);
  quota.max_share = fields.number("max_share", quota.max_share, 0, 1);
  quota.max_stored_bytes =
      fields.size_bytes("max_stored_bytes", quota.max_stored_bytes, 0, 1ULL << 50);
  quota.max_input_bytes =
      fields.size_bytes("max_input_bytes", quota.max_input_bytes, 0, 1ULL << 50);
}

// What a namespace's section leaves out is as for the others.
void read_quotas(ConfigFields fields, core::QuotaSettings& quotas) {
  read_quota(fields.section("others"), quotas.others);
  for (ConfigFields named : fields.sections("namespaces")) {
    const std::string ns = named.required_text("name");
    core::Quota quota = quotas.others;
    read_quota(named, quota);
    if (const Status valid = validate_name("name", ns); !ns.empty() && !valid) {
      named.issue("name", valid.error().message);
    }
    if (!quotas.named.emplace(ns, quota).second) {
      named.issue("name", fmt::format("'{}' has its quota already", ns));
    }
  }
}

void read_core(ConfigFields fields, core::Settings& settings) {
  constexpr Duration kShort = milliseconds(50);
  constexpr std::string_view kAuto = "auto";
  std::vector<std::string> policies = {scheduler::heuristic_names().begin(),
                                       scheduler::heuristic_names().end()};
  policies.emplace_back(kAuto);
  if (std::string policy = fields.choice("policy", kAuto, policies); policy != kAuto) {
    settings.policy = std::move(policy);
    settings.policy_chosen = true;
  }
  settings.heartbeat = fields.duration("heartbeat", settings.heartbeat, kShort, minutes(1));
  settings.suspect_after =
      fields.duration("suspect_after", settings.suspect_after, kShort, hours(1));
  settings.disconnected_after =
      fields.duration("disconnected_after", settings.disconnected_after, kShort, hours(1));
  settings.reconnect_grace =
      fields.duration("reconnect_grace", settings.reconnect_grace, Duration(0), hours(1));
  settings.recovery_grace =
      fields.duration("recovery_grace", settings.recovery_grace, Duration(0), hours(1));
  settings.brake_fraction = fields.number("brake_fraction", settings.brake_fraction, 0.1, 1.0);
  settings.max_infrastructure_retries = static_cast<std::uint32_t>(
      fields.integer("max_infrastructure_retries", settings.max_infrastructure_retries, 0, 1000));
  settings.max_crashes =
      static_cast<std::uint32_t>(fields.integer("max_crashes", settings.max_crashes, 1, 100));
  settings.max_open_jobs = static_cast<std::uint64_t>(fields.integer(
      "max_open_jobs", static_cast<std::int64_t>(settings.max_open_jobs), 1, 1'000'000'000));
  settings.max_retained_jobs = static_cast<std::uint64_t>(
      fields.integer("max_retained_jobs", static_cast<std::int64_t>(settings.max_retained_jobs), 0,
                     1'000'000'000));
  settings.retention =
      fields.duration("retention", settings.retention, seconds(1), hours(24 * 3650));
  settings.probe_runs =
      static_cast<std::uint32_t>(fields.integer("probe_runs", settings.probe_runs, 0, 100));
  settings.probe_interval =
      fields.duration("probe_interval", settings.probe_interval, Duration(0), hours(24));
  settings.probe_max_age =
      fields.duration("probe_max_age", settings.probe_max_age, seconds(1), hours(24 * 365));
  settings.trace_every = static_cast<std::uint32_t>(
      fields.integer("trace_every", settings.trace_every, 1, 1'000'000'000));
  read_breaker(fields.section("breaker"), settings.breaker);
  read_hedging(fields.section("hedging"), settings);
  read_quotas(fields.section("quotas"), settings.quotas);
  if (settings.suspect_after >= settings.disconnected_after) {
    fields.issue("suspect_after", "must be less than disconnected_after");
  }
  if (settings.heartbeat * 3 > settings.suspect_after) {
    fields.issue("heartbeat",
                 "must be at most a third of suspect_after, or two late ones make a node suspect");
  }
}

void read_store(ConfigFields fields, ControllerConfig& config) {
  store::Backlog& limit = config.backlog_limit;
  constexpr std::uint64_t kMostBatches = 1'000'000;
  limit.batches = fields.integer("max_behind_batches", kBacklogLimit.batches, 1, kMostBatches);
  limit.bytes =
      fields.size_bytes("max_behind_bytes", kBacklogLimit.bytes, 1, store::kQueueLimitBytes / 2);
  config.reserve_bytes = fields.size_bytes("reserve", 64ULL << 20, 0, 1ULL << 40);
}

// Beyond loopback the API speaks TLS by itself, with a certificate of the installation's own authority,
// unless it is given files or told not to.
void read_api(ConfigFields root, ControllerConfig& config) {
  ConfigFields tls = root.section("api_tls");
  config.api_tls = tls::read_server_files(tls);
  const std::string built_in = tls.choice("built_in", "auto", {"auto", "true", "false"});
  const bool may_be_plain = config.insecure_dev || config.api_tls;
  config.api =
      read_endpoint(root, "api_listen", "127.0.0.1:8080", may_be_plain || built_in != "false");
  config.api_tls_built_in = built_in == "true" || (built_in == "auto" && !may_be_plain &&
                                                   !is_loopback_address(config.api.address));
  if (built_in == "true" && config.api_tls) {
    tls.issue("built_in", "must not be true beside certificate_file: it is one or the other");
  }
  config.installation.names = tls.texts("names");
}

// "HOST:PORT" or ":PORT"; empty: as it listens.
void read_agent_port(ConfigFields root, ControllerConfig& config) {
  config.agents = read_endpoint(root, "agent_listen", "127.0.0.1:8081",
                                config.insecure_dev || config.agent_tls);
  config.agent_address = root.text("agent_address");
  if (!config.agent_address.empty() && config.agent_address.rfind(':') == std::string::npos) {
    root.issue("agent_address",
               fmt::format("'{}' must be HOST:PORT, as agents dial it", config.agent_address));
  }
  ConfigFields authority = root.section("authority");
  InstallationOptions& options = config.installation;
  options.trust_domain = authority.text("trust_domain", options.trust_domain);
  if (const Status valid = pki::validate_trust_domain(options.trust_domain); !valid) {
    authority.issue("trust_domain", valid.error().message);
  }
  options.authority_key_file = authority.text("key_file");
  options.authority_chain_file = authority.text("chain_file");
  if (options.authority_key_file.empty() != options.authority_chain_file.empty()) {
    authority.issue("key_file", "and chain_file belong together: set both, or none");
  }
  options.authority_believed_file = authority.text("believed_file");
  if (!options.authority_believed_file.empty() && options.authority_key_file.empty()) {
    authority.issue("believed_file",
                    "goes with key_file and chain_file: an authority of the controller's own is "
                    "replaced by `skerryctl authority rotate`");
  }
}

}  // namespace

Result<ControllerConfig> read_config(ConfigInput input, std::string* effective) {
  ConfigReader reader(std::move(input));
  ConfigFields root = reader.root();
  ControllerConfig config;
  config.data_dir = root.text("data_dir", kUsualDataDir);
  config.insecure_dev = root.boolean("insecure_dev", false);
  config.allow_anonymous = root.boolean("allow_anonymous", false);
  config.agent_tls = root.boolean("agent_tls", true);
  if (!config.agent_tls && !config.insecure_dev) {
    root.issue("agent_tls", "may be false only with insecure_dev: true");
  }
  if (config.allow_anonymous && !config.insecure_dev) {
    root.issue("allow_anonymous", "lets everybody do everything: only with insecure_dev: true");
  }
  read_api(root, config);
  config.api_url = root.text("api_url");
  if (!config.api_url.empty() && !config.api_url.starts_with("http://") &&
      !config.api_url.starts_with("https://")) {
    root.issue("api_url", fmt::format("'{}' is not a URL, such as https://skerry.example.com",
                                      config.api_url));
  }
  read_agent_port(root, config);
  config.api_body_bytes = root.size_bytes("api_body_bytes", 256ULL << 20, 64ULL << 20, 1ULL << 40);
  config.api_connections =
      static_cast<std::size_t>(root.integer("api_connections", 4096, 1, 1'000'000));
  config.api_connections_per_address =
      static_cast<std::size_t>(root.integer("api_connections_per_address", 1024, 0, 1'000'000));
  config.ready_file = root.text("ready_file");
  config.default_policy = root.text("default_policy");
  config.threads = static_cast<std::uint32_t>(root.integer("threads", 1, 1, 64));
  config.stop_grace = root.duration("stop_grace", seconds(10), Duration(0), hours(1));
  config.log.part = "controller";
  ConfigFields log = root.section("log");
  config.log.level = log.choice("level", "info", {"trace", "debug", "info", "warn", "error"});
  config.log.format = log.choice("format", "auto", {"auto", "text", "json"});
  read_store(root.section("store"), config);
  config.max_late = root.duration("max_late", kMaxLate, milliseconds(1), minutes(1));
  config.model_trust = read_model_signing(root.section("model_signing"), false);
  read_core(root.section("core"), config.core);
  config.given_access = read_given_access(root);
  config.oidc = oidc::read_settings(root.section("oidc"));
  if (auto status = reader.finish(); !status) {
    return fail(std::move(status).error());
  }
  if (effective != nullptr) {
    *effective = reader.effective();
  }
  return config;
}

}  // namespace skerry::controller
