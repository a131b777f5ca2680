// config.h: the settings of an agent; docs/agent.md explains each.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/cpu_limit.h"
#include "agent/credentials.h"
#include "agent/membership/papers.h"
#include "agent/membership/self_joining.h"
#include "agent/runner/inspect/policy.h"
#include "agent/runner_sandbox.h"
#include "common/config.h"
#include "common/log.h"
#include "common/model_trust.h"
#include "common/tls/files.h"

namespace skerry::agent {

struct AgentConfig {
  std::string name;
  std::string controller;
  bool insecure_dev = false;
  TlsFiles tls;
  bool renews = false;  // its certificate, which it has from joining
  JoinSettings join;    // by itself, if it has not joined
  std::string state_dir;
  std::string tier;
  std::string site;
  std::map<std::string, std::string> labels;
  std::vector<std::string> engines;
  std::uint32_t slots = 1;
  std::uint32_t queue_depth = 4;
  std::uint64_t memory_bytes = 0;
  double speed = 1;
  double price_usd_per_hour = 0;
  CpuOptions cpu;
  struct Power {
    double idle_w = 0;
    double busy_w = 0;
    double transfer_j_per_byte = 0;
    bool sensors = true;
  } power;
  struct Link {
    Duration rtt{};
    double bandwidth_bytes_per_s = 0;
  } link;
  struct Runner {
    std::string program;
    std::string device;
    int nice = 0;
    std::uint64_t memory_limit_bytes = 0;
    Duration load_limit{};
    Duration stall_limit{};
    Duration sequence_idle{};
    std::uint32_t sequences = 8;
  } runner;
  SandboxOptions sandbox;       // its devices and threads are setup.h's to fill in
  bool finds_devices = true;    // those of GPUs, where runners may use them
  bool shares_runners = false;  // between the namespaces of jobs
  struct LocalApi {
    std::string address;  // empty: the site has no API
    std::uint16_t port = 0;
    tls::ServerFiles tls;
    bool allow_anonymous = false;  // with insecure_dev alone
    std::uint64_t max_jobs = 0;
  } local_api;
  inspect::Policy models;
  ModelTrust model_trust;
  std::uint64_t cache_bytes = 0;
  Duration heartbeat{};
  Duration stop_limit{};
  LogOptions log;
};

// What a setting falls back to where that depends on the machine.
struct MachineFacts {
  std::string host_name;
  std::uint32_t processors = 1;
  std::uint64_t memory_bytes = 1u << 30;
  std::string runner_program;
  // What it joined as, if it did; its papers lie in the state directory (membership/papers.h).
  std::optional<Membership> membership;
};
MachineFacts this_machine();
// Where a program is that an agent starts, or becomes: beside this one, in `folder` beside it (of a build), or
// where packages put it.
std::string program_beside(const std::string& name, const std::string& folder);

// Where the agent keeps its state, which has to be known before its membership is.
std::string state_dir_of(ConfigReader& reader);

// Reads and checks every setting; what is wrong is told by reader.finish(), which is the caller's
// to call.
AgentConfig read_agent_config(ConfigReader& reader, const MachineFacts& machine);

}  // namespace skerry::agent
