#include "agent/program.h"

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <stop_token>
#include <thread>

#include "agent/config.h"
#include "agent/daemon.h"
#include "agent/membership/joining.h"
#include "agent/membership/self_joining.h"
#include "common/pki/secret_file.h"
#include "common/process.h"
#include "common/service/health.h"
#include "common/service/manager.h"
#include "common/version.h"

namespace skerry::agent {

namespace {

constexpr int kFailed = 1;
constexpr int kBadConfig = 78;  // EX_CONFIG

struct Arguments {
  std::string file = usual_config_file("agent");
  std::vector<std::string> settings;
  std::map<std::string, std::string> named;  // flags with a name of their own
  bool print = false;
  bool validate = false;
  std::string join_line;
  std::string ca_file;
};

int complain(const Error& error) {
  fmt::print(stderr, "skerry-agent: {}\n", error.message);
  return error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kNotFound
             ? kBadConfig
             : kFailed;
}

Result<ConfigInput> gather(const Arguments& arguments) {
  ConfigInput input{.kind = "AgentConfig",
                    .origin = arguments.file,
                    .env_prefix = "SKERRY_AGENT",
                    .environment = process_environment(),
                    .flags = arguments.named};
  if (!arguments.file.empty()) {
    Result<std::string> text = read_config_file(arguments.file);
    if (!text) {
      return fail(std::move(text).error());
    }
    input.text = *std::move(text);
  }
  for (const std::string& setting : arguments.settings) {
    auto parsed = parse_setting(setting);
    if (!parsed) {
      return fail(std::move(parsed).error());
    }
    input.flags[parsed->first] = parsed->second;
  }
  return input;
}

// Read before the configuration, of whose defaults it makes some.
Result<std::optional<Membership>> membership_of(const ConfigInput& input) {
  ConfigReader reader(input);
  return Papers(state_dir_of(reader)).membership();
}

// The line, or what standard input holds for "-".
Result<JoinLine> read_line(const std::string& given) {
  std::string text = given;
  if (given == "-") {
    std::getline(std::cin, text);
  }
  return parse_join_line(text);
}

int join_machine(const Arguments& arguments) {
  const auto line = read_line(arguments.join_line);
  if (!line) {
    return complain(line.error());
  }
  Result<ConfigInput> input = gather(arguments);
  if (!input) {
    return complain(input.error());
  }
  MachineFacts machine = this_machine();
  if (!line->node.empty()) {
    machine.host_name = line->node;  // unless --name or the file says another
  }
  ConfigReader reader(*std::move(input));
  // What else is wrong with the file is told when the daemon starts.
  const AgentConfig config = read_agent_config(reader, machine);
  if (Status owner = become_owner_of(config.state_dir); !owner) {
    return complain(owner.error());
  }
  if (Status made = pki::make_secret_folder(config.state_dir); !made) {
    return complain(made.error());
  }
  const auto joined =
      join(Papers(config.state_dir),
           {.line = *line, .node = config.name, .ca_file = arguments.ca_file}, SystemClock().now());
  if (!joined) {
    return complain(joined.error());
  }
  fmt::print("joined as node {}, whose agents' port is {}; its papers are in {}\n", joined->node,
             joined->agents, config.state_dir);
  return 0;
}

int renew_now(const Arguments& arguments) {
  Result<ConfigInput> input = gather(arguments);
  if (!input) {
    return complain(input.error());
  }
  ConfigReader reader(*std::move(input));
  const Papers papers(state_dir_of(reader));
  if (Status owner = become_owner_of(state_dir_of(reader)); !owner) {
    return complain(owner.error());
  }
  if (const Status renewed = renew(papers, SystemClock().now()); !renewed) {
    return complain(renewed.error());
  }
  fmt::print("{} holds until {}\n", papers.identity_file(),
             rfc3339(papers.identity()->chain.front().not_after()));
  return 0;
}

int tell_health(const Arguments& arguments, bool wants_ready) {
  Result<ConfigInput> input = gather(arguments);
  if (!input) {
    return complain(input.error());
  }
  ConfigReader reader(*std::move(input));
  const Status healthy = service::ask_health(state_dir_of(reader), wants_ready);
  return healthy ? 0 : complain(healthy.error());
}

Status serve(const AgentConfig& config, const MakeSite& make_site) {
  Result<std::shared_ptr<Log>> log = make_log(config.log);
  if (!log) {
    return fail(std::move(log).error());
  }
  Result<std::unique_ptr<Daemon>> daemon = Daemon::make(config, make_site, **log);
  if (!daemon) {
    return fail(std::move(daemon).error());
  }
  return (*daemon)->run();
}

// Becomes a node by the key of its settings; what it joined as, or nothing if it was stopped meanwhile.
Result<std::optional<Membership>> join_by_settings(const AgentConfig& config) {
  Result<std::shared_ptr<Log>> log = make_log(config.log);
  if (!log) {
    return fail(std::move(log).error());
  }
  if (Status made = pki::make_secret_folder(config.state_dir); !made) {
    return fail(std::move(made).error());
  }
  // Alive, and not ready: the controller may be away for long. Signals end it, as that of process 1 in a
  // container does only where somebody listens.
  boost::asio::io_context io;
  std::stop_source stop;
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&stop](const boost::system::error_code&, int) { stop.request_stop(); });
  service::HealthSocket health(io, []() -> Status {
    return fail(ErrorCode::kUnavailable, "has not joined yet: the log says why");
  });
  if (const Status open = health.open(config.state_dir); !open) {
    (*log)->warn("`skerry-agent health` will find nobody: {}", open.error().message);
  }
  service::Manager manager(io);
  manager.ready();
  const std::jthread answering([&io](const std::stop_token& over) {
    const std::stop_callback end(over, [&io] { io.stop(); });
    io.run();
  });
  auto joined =
      join_patiently(Papers(config.state_dir), config.join, config.name, stop.get_token(), **log);
  if (!joined) {
    return stop.stop_requested() ? Result<std::optional<Membership>>(std::nullopt)
                                 : fail(std::move(joined).error());
  }
  (*log)->info("joined as node {}, whose agents' port is {}", joined->node, joined->agents);
  return std::optional(*std::move(joined));
}

// Every setting as it stands, by what this machine is a member of. `effective`, if given, gets their text.
Result<AgentConfig> configure(const ConfigInput& input, std::optional<Membership> membership,
                              std::string* effective = nullptr) {
  MachineFacts machine = this_machine();
  machine.membership = std::move(membership);
  ConfigReader reader(input);
  AgentConfig config = read_agent_config(reader, machine);
  if (Status right = reader.finish(); !right) {
    return fail(std::move(right).error());
  }
  if (effective != nullptr) {
    *effective = reader.effective();
  }
  return config;
}

// This process becomes the program that has a site; returns only if it cannot.
Error become_site_agent(char** argv) {
  const std::string program = program_beside("skerry-agent-site", "site");
  ::execv(program.c_str(), argv);
  return {
      ErrorCode::kNotFound,
      fmt::format("local_api.listen is set, which takes {}: {}; install what this agent came with "
                  "as a whole, or leave local_api out",
                  program, std::strerror(errno))};
}

int act(const Arguments& arguments, const MakeSite& make_site, char** argv) {
  const Result<ConfigInput> input = gather(arguments);
  if (!input) {
    return complain(input.error());
  }
  auto membership = membership_of(*input);
  if (!membership) {
    return complain(membership.error());
  }
  std::string effective;
  auto config = configure(*input, *membership, &effective);
  if (!config) {
    return complain(config.error());
  }
  if (arguments.print) {
    fmt::print("{}", effective);
    return 0;
  }
  if (arguments.validate) {
    fmt::print("{} is valid\n", arguments.file);
    return 0;
  }
  if (!make_site && !config->local_api.address.empty()) {
    return complain(become_site_agent(argv));
  }
  if (config->join.is_set() && !*membership) {
    auto joined = join_by_settings(*config);
    if (!joined) {
      return complain(joined.error());
    }
    if (!*joined) {
      return 0;
    }
    config = configure(*input, *std::move(joined));
    if (!config) {
      return complain(config.error());
    }
  }
  const Status served = serve(*config, make_site);
  return served ? 0 : complain(served.error());
}

}  // namespace

int run_program(int argc, char** argv, const MakeSite& make_site) {
  // A handful of threads that allocate little: arenas of their own would cost more than they gain.
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_TRIM_THRESHOLD, 256 * 1024);
  std::signal(SIGPIPE, SIG_IGN);
  keep_secrets();

  Arguments arguments;
  CLI::App app{"The Skerry agent: runs inference work on this node for a controller."};
  app.set_version_flag("--version", fmt::format("skerry-agent {} ({})", kVersion, kCommit));
  app.add_option(
      "--config", arguments.file,
      "The configuration file (YAML, kind: AgentConfig; default: /etc/skerry/agent.yaml, if it "
      "is there)");
  app.add_option("--set", arguments.settings, "A setting, as in cpu.share=0.5; may be repeated")
      ->type_name("KEY=VALUE");
  for (const char* key : {"name", "controller", "state-dir"}) {
    std::string setting = key;
    std::replace(setting.begin(), setting.end(), '-', '_');
    app.add_option_function<std::string>(
        std::string("--") + key,
        [&arguments, setting](const std::string& value) { arguments.named[setting] = value; },
        fmt::format("Same as --set {}=...", setting));
  }
  app.add_flag_callback(
      "--insecure-dev", [&arguments] { arguments.named["insecure_dev"] = "true"; },
      "Let the connection to a controller on another machine be unencrypted");
  app.add_flag("--print-config", arguments.print, "Print every setting as it stands, and exit");
  CLI::App* joins = app.add_subcommand(
      "join", "Make this machine a node, by the line that skerryctl node token create prints");
  joins->add_option("LINE", arguments.join_line, "The line, or - for standard input")->required();
  joins->add_option("--ca-file", arguments.ca_file,
                    "The authorities that vouch for REST, if it shows a certificate of its own");
  joins->fallthrough();  // --name and others may follow it
  CLI::App* renews = app.add_subcommand(
      "renew",
      "Ask for a new certificate now; a running agent does so by itself, and takes this one up");
  renews->fallthrough();
  bool wants_ready = false;
  CLI::App* health = app.add_subcommand(
      "health", "Say whether the agent of this state_dir is alive: exit status 0 or 1");
  health->add_flag("--ready", wants_ready, "Whether it takes work, too");
  health->fallthrough();
  CLI::App* config = app.add_subcommand("config", "Work with configuration files");
  CLI::App* validate = config->add_subcommand("validate", "Check a configuration file");
  validate->add_option("FILE", arguments.file, "The file")->required();
  config->require_subcommand(1);
  CLI11_PARSE(app, argc, argv);
  arguments.validate = validate->parsed();
  return joins->parsed()    ? join_machine(arguments)
         : renews->parsed() ? renew_now(arguments)
         : health->parsed() ? tell_health(arguments, wants_ready)
                            : act(arguments, make_site, argv);
}

}  // namespace skerry::agent
