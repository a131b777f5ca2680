// config_fuzz.cc: the configuration files of both daemons. They are their operator's, so only crashes,
// hangs, and settings that do not come back the same count.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/config.h"
#include "controller/config.h"
#include "tests/fuzz/harness.h"

namespace skerry::fuzz {

namespace {

ConfigInput input_of(std::string kind, std::string text) {
  return {.kind = std::move(kind), .text = std::move(text), .origin = "f", .env_prefix = "SKERRY"};
}

// What was read, and how it is printed, with some of each kind of setting as it is.
struct Read {
  std::string effective;
  std::string facts;

  bool operator==(const Read&) const = default;
};

std::optional<Read> read_controller(const std::string& text) {
  Read read;
  const auto config = controller::read_config(input_of("ControllerConfig", text), &read.effective);
  if (!config) {
    return std::nullopt;
  }
  const core::Settings& core = config->core;
  read.facts = fmt::format("{} {} {} {} {} {} {} {} {} {} {} {}", config->data_dir,
                           config->api.address, config->api.port, config->api_body_bytes,
                           config->insecure_dev, config->backlog_limit.bytes, core.policy,
                           core.suspect_after.count(), core.retention.count(), core.brake_fraction,
                           core.breaker.slow.count(), core.max_open_jobs);
  return read;
}

std::optional<Read> read_agent(const std::string& text) {
  ConfigReader reader(input_of("AgentConfig", text));
  const agent::AgentConfig config = agent::read_agent_config(
      reader, {.host_name = "host", .processors = 2, .runner_program = "r"});
  if (!reader.finish()) {
    return std::nullopt;
  }
  return Read{.effective = reader.effective(),
              .facts = fmt::format("{} {} {} {} {} {} {} {} {} {} {}", config.name, config.tier,
                                   fmt::join(config.engines, ","), config.slots,
                                   config.memory_bytes, config.speed, config.cpu.share,
                                   fmt::join(config.cpu.affinity, ","), config.heartbeat.count(),
                                   config.link.bandwidth_bytes_per_s, config.labels.size())};
}

}  // namespace

void run(std::string_view input) {
  for (const auto read : {read_controller, read_agent}) {
    if (const auto settings = read(std::string(input))) {
      check(read(settings->effective) == settings, "settings that are printed read back the same");
    }
  }
}

std::optional<std::string> mutate(std::string_view /*input*/, Random& /*random*/) {
  return std::nullopt;  // the dictionary has the settings
}

}  // namespace skerry::fuzz
