#include "agent/setup.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <filesystem>

#include "common/utf8.h"
#include "common/version.h"

namespace skerry::agent {
namespace {

constexpr int kMaxFrameBytes = 64 << 20;     // a frame of many assigns with inline inputs
constexpr std::size_t kMaxLabelBytes = 128;  // as the controller takes them

bool may_use_gpu(const AgentConfig& config, const Nvml* gpus) {
  return config.runner.device.starts_with("cuda") ||
         (config.runner.device == "auto" && gpus != nullptr);
}

// The character devices of NVIDIA's driver.
std::vector<std::string> gpu_devices() {
  std::vector<std::string> devices;
  for (const char* folder : {"/dev", "/dev/nvidia-caps"}) {
    std::error_code missing;
    for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
      const std::string name = entry.path().filename();
      if (name.starts_with("nvidia") && entry.is_character_file(missing)) {
        devices.push_back(entry.path());
      }
    }
  }
  std::ranges::sort(devices);
  return devices;
}

}  // namespace

std::shared_ptr<grpc::Channel> make_channel(
    const AgentConfig& config, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
    ChannelPurpose purpose) {
  const bool is_session = purpose == ChannelPurpose::kSession;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetString("skerry.purpose", is_session ? "session" : "bulk");
  // A session's messages are small: probes for the size of a window would be half of what is said.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, is_session ? 0 : 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                   1000);  // the session's own jitter is what counts
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kMaxFrameBytes);
  return grpc::CreateCustomChannel(config.controller, credentials, arguments);
}

NodePhysics physics_of(const AgentConfig& config) {
  return {.idle_w = config.power.idle_w,
          .busy_w = config.power.busy_w,
          .transfer_j_per_byte = config.power.transfer_j_per_byte,
          .price_usd_per_hour = config.price_usd_per_hour,
          .slots = config.slots};
}

Capabilities capabilities_of(const AgentConfig& config, const CpuLimit& limit,
                             const RunnerSandbox& sandbox, const PowerSensors& power,
                             const Nvml* gpus) {
  Capabilities node{.tier = config.tier,
                    .site = config.site,
                    .labels = config.labels,
                    .engines = config.engines,
                    .slots = config.slots,
                    .memory_bytes = config.memory_bytes,
                    .speed = config.speed,
                    .idle_w = config.power.idle_w,
                    .busy_w = config.power.busy_w,
                    .transfer_j_per_byte = config.power.transfer_j_per_byte,
                    .price_usd_per_hour = config.price_usd_per_hour,
                    .rtt_s = to_seconds(config.link.rtt),
                    .bandwidth_bytes_per_s = config.link.bandwidth_bytes_per_s,
                    .energy_source = power.source(),
                    .devices = {"cpu"}};
  node.labels["skerry/cpu-limit"] = limit.method_name();
  node.labels["skerry/cpu-quota"] = fmt::format("{:g}", limit.quota());
  for (const auto& [label, value] : sandbox.labels()) {
    node.labels[label] = printable(value, kMaxLabelBytes);
  }
  for (std::size_t i = 0; gpus != nullptr && i < gpus->count(); ++i) {
    node.devices.push_back(fmt::format("cuda:{}", i));
  }
  return node;
}

AgentOptions agent_options(const AgentConfig& config, const StateDir& state,
                           Capabilities capabilities) {
  return {.node_name = config.name,
          .identity = state.identity(),
          .incarnation = state.incarnation(),
          .software_version = fmt::format("{}+{}", kVersion, kCommit),
          .capabilities = std::move(capabilities),
          .stop_limit = config.stop_limit,
          .session = {.heartbeat = config.heartbeat},
          .executor = {.slots = config.slots,
                       .queue_depth = config.queue_depth,
                       .physics = physics_of(config),
                       .trust = config.model_trust}};
}

TorchOptions torch_options(const AgentConfig& config, const Nvml* gpus) {
  return {.threads = config.cpu.threads,
          .device = config.runner.device,
          .memory_bytes = config.memory_bytes,
          .runner_limit_bytes = config.runner.memory_limit_bytes,
          .derives_limits = !may_use_gpu(config, gpus),
          .sequence_instances = config.runner.sequences,
          .shares_runners = config.shares_runners,
          .sequence_idle = config.runner.sequence_idle,
          .load_limit = config.runner.load_limit,
          .stall_limit = config.runner.stall_limit,
          .policy = config.models};
}

Result<RunnerSandbox> sandbox_of(const AgentConfig& config, const Nvml* gpus, Log& log) {
  if (std::ranges::find(config.engines, "torch") == config.engines.end()) {
    return RunnerSandbox();
  }
  SandboxOptions options = config.sandbox;
  if (config.finds_devices && may_use_gpu(config, gpus)) {
    std::ranges::copy(gpu_devices(), std::back_inserter(options.devices));
  }
  auto sandbox = RunnerSandbox::detect(std::move(options), config.runner.program);
  if (!sandbox) {
    return sandbox;
  }
  const bool whole = std::ranges::all_of(
      sandbox->layers(), [](const runner::LayerState& state) { return state.missing.empty(); });
  const std::string report =
      fmt::format("the sandbox of runners, profile {}: {}", config.sandbox.profile,
                  sandbox->layers().empty() ? "off" : to_string(sandbox->layers()));
  whole && !sandbox->layers().empty() ? log.info("{}", report) : log.warn("{}", report);
  return sandbox;
}

}  // namespace skerry::agent
