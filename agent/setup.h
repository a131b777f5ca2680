// setup.h: what the parts of the daemon are told by its configuration and by what the machine offers.

#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include <cstdint>
#include <memory>

#include "agent/agent.h"
#include "agent/config.h"
#include "agent/cpu_limit.h"
#include "agent/energy.h"
#include "agent/engines/torch.h"
#include "agent/nvml.h"
#include "agent/power.h"
#include "agent/runner_sandbox.h"
#include "agent/state_dir.h"

namespace skerry::agent {

enum class ChannelPurpose : std::uint8_t { kSession, kBulk };
// Shares nothing with the other channel to the same address, neither its connection nor its flow
// control.
std::shared_ptr<grpc::Channel> make_channel(
    const AgentConfig& config, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
    ChannelPurpose purpose);
NodePhysics physics_of(const AgentConfig& config);
Capabilities capabilities_of(const AgentConfig& config, const CpuLimit& limit,
                             const RunnerSandbox& sandbox, const PowerSensors& power,
                             const Nvml* gpus);
AgentOptions agent_options(const AgentConfig& config, const StateDir& state,
                           Capabilities capabilities);
// A GPU's driver maps private memory as it likes: where a runner may use one, no limit is derived.
TorchOptions torch_options(const AgentConfig& config, const Nvml* gpus);
// The sandbox of the torch engine's runners, found out by starting one; none asked for if there is no such engine.
// kUnsupported if it lacks what is required.
Result<RunnerSandbox> sandbox_of(const AgentConfig& config, const Nvml* gpus, Log& log);

}  // namespace skerry::agent
