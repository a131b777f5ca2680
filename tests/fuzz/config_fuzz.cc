// config_fuzz.cc: the configuration files of both daemons. They are their operator's, so only crashes,
// hangs, and settings that do not come back the same count.

#include "agent/config.h"
#include "controller/config.h"
#include "tests/fuzz/harness.h"

namespace skerry::fuzz {

namespace {

ConfigInput input_of(std::string kind, std::string text) {
  return {.kind = std::move(kind), .text = std::move(text), .origin = "f", .env_prefix = "SKERRY"};
}

void check_controller(const std::string& text) {
  std::string effective;
  if (controller::read_config(input_of("ControllerConfig", text), &effective)) {
    std::string again;
    check(controller::read_config(input_of("ControllerConfig", effective), &again).has_value() &&
              again == effective,
          "the controller's settings that are printed read back the same");
  }
}

// Whether there is nothing wrong; what was read is in `effective`.
struct AgentRead {
  bool good = false;
  std::string effective;
};
AgentRead read_agent(const std::string& text) {
  ConfigReader reader(input_of("AgentConfig", text));
  agent::read_agent_config(reader, {.host_name = "host", .processors = 2, .runner_program = "r"});
  const bool good = reader.finish().has_value();
  return {.good = good, .effective = good ? reader.effective() : ""};
}

void check_agent(const std::string& text) {
  if (const AgentRead first = read_agent(text); first.good) {
    const AgentRead again = read_agent(first.effective);
    check(again.good && again.effective == first.effective,
          "the agent's settings that are printed read back the same");
  }
}

}  // namespace

void run(std::string_view input) {
  const std::string text(input);
  check_controller(text);
  check_agent(text);
}

std::optional<std::string> mutate(std::string_view /*input*/, Random& /*random*/) {
  return std::nullopt;  // the dictionary has the settings
}

}  // namespace skerry::fuzz
