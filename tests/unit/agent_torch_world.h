// agent_torch_world.h: the torch engine over fake runner processes, for its tests.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/engines/torch.h"
#include "agent/executor.h"
#include "tests/unit/agent_fakes.h"

namespace skerry::agent::testing {

struct FakeRunners final : Runners {
  std::vector<RunnerId> spawned;
  std::vector<RunnerId> killed;
  std::map<RunnerId, std::vector<runner::Frame>> frames;

  std::vector<std::uint64_t> limits;
  std::vector<std::string> models;

  void spawn(RunnerId id, const RunnerNeeds& needs) override {
    spawned.push_back(id);
    limits.push_back(needs.memory_limit_bytes);
    models.push_back(needs.artifact_path);
  }
  void send(RunnerId id, const runner::Frame& frame) override { frames[id].push_back(frame); }
  void kill(RunnerId id) override { killed.push_back(id); }
};

struct TorchTest : ::testing::Test {
  FakeRunners runners;
  TorchEngine engine{{.threads = 3,
                      .device = "cpu",
                      .memory_bytes = 250u << 20,
                      .overhead_bytes = 100u << 20,
                      .sequence_instances = 2,
                      .policy = {.limits = {}, .allow = {"aten::save"}, .deny = {}}},
                     runners,
                     quiet_log()};

  static Work work(const std::string& variant, const std::string& sequence = "",
                   bool stateful = false) {
    static const ManifestPtr plain =
        Manifests().resolve("digits", 1, manifest_json("torch")).value();
    static const ManifestPtr keeps =
        Manifests().resolve("digits", 2, manifest_json("torch", true)).value();
    return {.variant = {"digits", variant, stateful ? 2u : 1u},
            .manifest = stateful ? keeps : plain,
            .digest = "sha256:" + variant,
            .artifact_path = "/models/" + variant,
            .input = std::make_shared<const std::string>("in"),
            .sequence = sequence};
  }
  void start(Instant now, RunToken token, const Work& wanted) {
    ASSERT_EQ(engine.admit(now, wanted).admission, Admission::kNow);
    engine.start(now, token, wanted);
  }
  void loaded(Instant now, RunnerId id, std::uint64_t mib = 100) {
    engine.received(now, id,
                    runner::Loaded{.load_us = 5, .memory_bytes = mib << 20, .device = "cpu"});
  }
  void ran(Instant now, RunnerId id, RunToken token, std::uint64_t service_us = 1000) {
    engine.received(
        now, id, runner::Ran{.id = token, .service_us = service_us, .outputs = encode_values({})});
  }
  // What the nth frame to a runner names its state; the first frame is the load.
  std::string state_name(RunnerId id, std::size_t n) {
    return std::get<runner::Run>(runners.frames[id].at(n)).sequence;
  }
  // Starts, loads and finishes: an idle instance.
  RunnerId idle(Instant now, RunToken token, const Work& wanted) {
    start(now, token, wanted);
    const RunnerId id = runners.spawned.back();
    loaded(now, id);
    ran(now, id, token);
    engine.take_ended();
    return id;
  }
};

}  // namespace skerry::agent::testing
