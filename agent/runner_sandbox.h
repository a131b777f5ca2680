// runner_sandbox.h: the layers of the sandbox (runner/layers.h) that this agent's runners get: what its settings ask for,
// what this machine permits, and what each runner is told at its start.
//
// What is permitted is found out once, at the agent's start, by starting a runner with everything that is wanted and asking
// it. What held then is required of every later runner: one in which it does not hold ends before it sees a model.
//
// Used on the strand. docs/sandbox.md says what each layer stops and what it needs.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/engines/runners.h"
#include "agent/runner/layers.h"
#include "agent/runner_groups.h"
#include "agent/spawn.h"
#include "common/error.h"

namespace skerry::agent {

enum class Demand : std::uint8_t {
  kOff,
  kPreferred,  // where this machine permits it
  kRequired,   // or the agent does not start the torch engine
};

struct SandboxOptions {
  std::string profile = "default";
  std::map<runner::Layer, Demand> demands;  // a layer that is not named is off
  std::uint32_t first_uid = 0;              // of those that runners become, if the agent is root
  std::uint32_t uids = 0;
  std::uint64_t scratch_bytes = 16u << 20;
  std::uint32_t threads = 1;         // of a forward: what tasks a runner may have follows
  std::vector<std::string> paths;    // files and folders that runners may read beside their own
  std::vector<std::string> devices;  // of GPUs
  std::vector<std::string>
      environment;  // "NAME=value": all that a runner gets, but for HOME and TMPDIR
};

class RunnerSandbox {
 public:
  // None: runners are told nothing, enter what they enter by themselves, and say nothing of it. For tests.
  RunnerSandbox() = default;
  // Asks a runner, and waits for it for seconds at the most. kUnsupported: which required layers are missing, why, and what
  // to do about it.
  static Result<RunnerSandbox> detect(SandboxOptions options, const std::string& program);

  bool active() const { return active_; }
  // Of what was asked for.
  const std::vector<runner::LayerState>& layers() const { return layers_; }
  // For the node's labels: skerry/sandbox = full, partial, off; skerry/sandbox-layers; and for each one that is missing
  // skerry/sandbox-no-LAYER with the reason.
  std::map<std::string, std::string> labels() const;

  // What the runner's plan needs beside its program, processors and descriptors; its groups are made. kIo.
  Status prepare(RunnerId id, std::uint64_t memory_limit_bytes, SpawnOptions& plan) const;
  void ended(RunnerId id) const;  // its processes are gone

  // Whether a runner's report is what it must be; kUnsupported: what is missing.
  Status accept(const runner::Ready& ready) const;

 private:
  void find_namespaces();
  void find_groups();
  Status ask_runners(const std::string& program);
  Result<runner::Ready> ask_a_runner(const std::string& program) const;
  void give_up(runner::Layer layer, const std::string& why);
  Status check_demands() const;
  bool requires_any() const;
  bool holds(runner::Layer layer) const;
  runner::Layers asked_of_runners() const;
  std::uint32_t tasks() const;

  SandboxOptions options_;
  bool active_ = false;
  std::vector<runner::LayerState> layers_;
  int namespaces_ = 0;
  runner::Layers born_;
  runner::Layers required_;
  std::optional<RunnerGroups> groups_;
};

}  // namespace skerry::agent
