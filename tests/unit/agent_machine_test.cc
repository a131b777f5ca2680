// What surrounds the agent's logic: settings, addresses, state on disk, limits, sensors, texts on
// the wire, real processes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>

#include "agent/config.h"
#include "agent/credentials.h"
#include "agent/runner_process.h"
#include "agent/state_dir.h"
#include "agent/telemetry.h"
#include "agent/wire.h"
#include "common/digest.h"
#include "tests/unit/agent_fakes.h"

namespace skerry::agent {
namespace {

using namespace testing;
using ::testing::HasSubstr;

struct Scratch {
  std::string path = ::testing::TempDir() + "/skerry-agent-" + to_hex(random_bytes(6));
  Scratch() { std::filesystem::create_directories(path); }
  ~Scratch() { std::filesystem::remove_all(path); }
  void put(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path + "/" + name).parent_path());
    std::ofstream(path + "/" + name) << text;
  }
};

std::pair<AgentConfig, std::string> configure(const std::string& settings) {
  ConfigReader reader({.kind = "AgentConfig",
                       .text = "apiVersion: skerry/v1\nkind: AgentConfig\n" + settings,
                       .origin = "agent.yaml",
                       .env_prefix = "SKERRY_AGENT"});
  const AgentConfig config = read_agent_config(
      reader, {.host_name = "Kiosk_7!", .processors = 4, .memory_bytes = 4ull << 30});
  const Status status = reader.finish();
  return {config, status ? "" : status.error().message};
}

TEST(AgentConfig, NeedsNothingAndFollowsTheMachine) {
  const auto [config, wrong] = configure("cpu: {threads: 2}\n");
  EXPECT_EQ(wrong, "");
  EXPECT_EQ(config.slots, 2u);
  EXPECT_EQ(config.queue_depth, 8u);
  EXPECT_EQ(config.memory_bytes, 2ull << 30);
  EXPECT_TRUE(validate_name("name", config.name));
}

TEST(AgentConfig, RefusesWhatTheControllerWouldAndWhatIsUnsafe) {
  EXPECT_THAT(configure("name: 'A B'\n").second, HasSubstr("agent.yaml:3: name"));
  EXPECT_THAT(configure("controller: 10.1.2.3:7443\n").second, HasSubstr("not be encrypted"));
  EXPECT_EQ(configure("controller: 10.1.2.3:7443\ninsecure_dev: true\n").second, "");
  EXPECT_THAT(configure("engines: [torch, tpu]\n").second, HasSubstr("'tpu'"));
  EXPECT_THAT(configure("power: {idle_w: 9, busy_w: 3}\n").second,
              HasSubstr("must not be less than idle_w"));
  EXPECT_THAT(configure("cpu: {shares: 1}\n").second,
              HasSubstr("cpu.shares is not a known setting"));
}

TEST(AgentConfig, SaysWhatModelsMayHoldAndUse) {
  const auto [config, wrong] = configure(
      "models: {max_artifact: 2GiB, max_entries: 10, allow_operators: ['mine::*'], "
      "deny_operators: [aten::bmm]}\n");
  EXPECT_EQ(wrong, "");
  EXPECT_EQ(config.models.limits.artifact_bytes, 2ull << 30);
  EXPECT_EQ(config.models.limits.entries, 10u);
  EXPECT_EQ(config.models.allow, (std::vector<std::string>{"mine::*"}));
  EXPECT_EQ(config.models.deny, (std::vector<std::string>{"aten::bmm"}));
  for (const char* name : {"save", "*", "aten::s*", "*::save", "aten::a b"}) {
    EXPECT_THAT(configure("models: {allow_operators: ['" + std::string(name) + "']}\n").second,
                HasSubstr("models.allow_operators"))
        << name;
  }
}

TEST(AgentConfig, ASiteThatPinsKeysAsksForSignatures) {
  EXPECT_TRUE(configure("").first.model_trust.empty());
  const std::string key =
      "model_signing: {keys: [{id: release, public_key: "
      "'11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='}]";
  const auto [pinned, wrong] = configure(key + "}\n");
  EXPECT_EQ(wrong, "");
  EXPECT_TRUE(pinned.model_trust.required);
  EXPECT_EQ(pinned.model_trust.keys[0].namespaces, (std::vector<std::string>{"*"}));
  EXPECT_FALSE(configure(key + ", required: false}\n").first.model_trust.required);
  EXPECT_THAT(configure("model_signing: {required: true}\n").second,
              HasSubstr("there are no keys"));
  EXPECT_THAT(configure("model_signing: {keys: [{id: a, public_key: x}]}\n").second,
              HasSubstr("'x' is no public key"));
  EXPECT_THAT(configure("model_signing: {keys: [{id: A B, public_key: x}]}\n").second,
              HasSubstr("model_signing.keys[0].id"));
}

TEST(Credentials, OnlyThisMachineIsLoopback) {
  for (const char* address :
       {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "unix:/run/s.sock"}) {
    EXPECT_TRUE(is_loopback(address)) << address;
  }
  for (const char* address :
       {"10.0.0.1:1", "127.evil.com:1", "localhost.evil.com:1", "[::2]:1", "0.0.0.0:1"}) {
    EXPECT_FALSE(is_loopback(address)) << address;
  }
}

TEST(StateDir, CountsStartsKeepsTheEpochAndKeepsOthersOut) {
  const Scratch scratch;
  std::string identity;
  {
    auto first = StateDir::open(scratch.path + "/s");
    ASSERT_TRUE(first);
    EXPECT_EQ(first->incarnation(), 1u);
    identity = first->identity();
    EXPECT_EQ(identity.size(), 32u);
    EXPECT_TRUE(first->save_epoch(Epoch{7}));
    EXPECT_EQ(StateDir::open(scratch.path + "/s").error().code, ErrorCode::kConflict);
  }
  auto second = StateDir::open(scratch.path + "/s");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->incarnation(), 2u);
  EXPECT_EQ(second->identity(), identity);
  EXPECT_NE(StateDir::open(scratch.path + "/other")->identity(), identity);
  EXPECT_EQ(second->newest_epoch(), Epoch{7});
}

TEST(StateDir, AStateFromBeforeIdentitiesGetsOneAndKeepsTheRest) {
  const Scratch scratch;
  scratch.put("s/state", "incarnation 4\nepoch 7\n");
  std::string identity;
  {
    auto first = StateDir::open(scratch.path + "/s");
    ASSERT_TRUE(first);
    EXPECT_EQ(first->incarnation(), 5u);
    EXPECT_EQ(first->newest_epoch(), Epoch{7});
    identity = first->identity();
    EXPECT_EQ(identity.size(), 32u);
  }
  EXPECT_EQ(StateDir::open(scratch.path + "/s")->identity(), identity);
}

TEST(StateDir, ADamagedStateIsRefusedAndNotBegunAnew) {
  const Scratch scratch;
  scratch.put("s/state", "incarnation many\n");
  EXPECT_EQ(StateDir::open(scratch.path + "/s").error().code, ErrorCode::kCorrupt);
}

TEST(DutyCycle, HoldsAProcessToItsShareOnAverage) {
  DutyCycle duty(0.25, at(seconds(0)), Duration(0));
  Duration used{};
  bool stopped = false;
  for (int tick = 1; tick <= 1000; ++tick) {  // 10 s of a process that takes all it can
    used += stopped ? Duration(0) : milliseconds(10);
    stopped = duty.must_stop(at(milliseconds(10) * tick), used);
  }
  EXPECT_NEAR(to_seconds(used), 2.5, 0.05);
}

TEST(DutyCycle, WhatWasNotUsedIsKeptForATenthOfASecondOnly) {
  DutyCycle duty(0.5, at(seconds(0)), Duration(0));
  EXPECT_FALSE(duty.must_stop(at(seconds(60)), Duration(0)));
  EXPECT_FALSE(duty.must_stop(at(seconds(60)), milliseconds(100)));
  EXPECT_TRUE(duty.must_stop(at(seconds(60)), milliseconds(101)));
}

TEST(CpuLimit, AGroupGetsItsQuotaPerRunner) {
  const Scratch scratch;
  CpuLimit limit({.threads = 2, .share = 0.25}, CpuLimit::Method::kCgroup1, scratch.path);
  // A plain directory does not grow the kernel's files by itself.
  EXPECT_FALSE(limit.make_group(1));
  for (const auto& group : std::filesystem::directory_iterator(scratch.path)) {
    std::ofstream(group.path() / "cpu.cfs_period_us") << "";
    std::ofstream(group.path() / "cpu.cfs_quota_us") << "";
  }
  const auto procs = limit.make_group(1);
  ASSERT_TRUE(procs);
  const std::filesystem::path group = std::filesystem::path(*procs).parent_path();
  std::string quota, period;
  std::ifstream(group / "cpu.cfs_quota_us") >> quota;
  std::ifstream(group / "cpu.cfs_period_us") >> period;
  EXPECT_EQ(quota + "/" + period, "5000/10000");
}

TEST(Telemetry, ReadsProcAndSysAsTheyAre) {
  const Scratch root;
  root.put("proc/stat", "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2 3\n");
  root.put("proc/meminfo", "MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    400 kB\n");
  root.put("proc/loadavg", "0.75 0.5 0.2 1/100 123\n");
  root.put("sys/class/thermal/thermal_zone0/temp", "45500\n");
  root.put("sys/class/powercap/intel-rapl:0/energy_uj", "1000000\n");
  root.put("sys/class/powercap/intel-rapl:0/max_energy_range_uj", "9000000\n");
  root.put("sys/class/powercap/intel-rapl:0:0/energy_uj", "1\n");
  PowerSensors power(root.path + "/sys", nullptr, true);
  MachineSensors sensors(root.path, {.idle_w = 2, .busy_w = 4}, power, nullptr);
  EXPECT_EQ(power.source(), "rapl");
  EXPECT_EQ(sensors.sample(at(seconds(0))).power_source,
            "modelled");  // one reading is no power yet
  root.put("proc/stat", "cpu  160 0 120 780 140 0 0 0 0 0\n");
  root.put("sys/class/powercap/intel-rapl:0/energy_uj", "500000\n");  // wrapped: 8.5 J
  const Telemetry now = sensors.sample(at(seconds(2)));
  EXPECT_DOUBLE_EQ(now.cpu_fraction, 0.4);
  EXPECT_EQ(now.memory_total_bytes, 1000u * 1024);
  EXPECT_EQ(now.memory_used_bytes, 600u * 1024);
  EXPECT_DOUBLE_EQ(now.load_1m, 0.75);
  EXPECT_DOUBLE_EQ(now.temperature_c, 45.5);
  EXPECT_DOUBLE_EQ(now.power_w, 4.25);
  EXPECT_EQ(now.power_source, "rapl");
}

TEST(Telemetry, HwmonSensorsAreIntegratedAndWithoutAnyAllIsModelled) {
  const Scratch root;
  root.put("sys/class/hwmon/hwmon0/power1_input", "3000000\n");
  PowerSensors board(root.path + "/sys", nullptr, true);
  EXPECT_EQ(board.source(), "hwmon");
  board.total_j(at(seconds(1)));
  EXPECT_DOUBLE_EQ(*board.total_j(at(seconds(3))), 6);
  PowerSensors off(root.path + "/sys", nullptr, false);
  EXPECT_EQ(off.source(), "modelled");
  EXPECT_FALSE(off.total_j(at(seconds(1))));
}

TEST(Nvml, AddsUpItsGpusAndTheirJoules) {
  const std::unique_ptr<Nvml> gpus = Nvml::open();  // agent_fake_nvml.cc
  ASSERT_NE(gpus, nullptr);
  const Nvml::Sample sample = gpus->sample();
  EXPECT_EQ(gpus->count(), 2u);
  EXPECT_DOUBLE_EQ(sample.busiest_fraction, 0.7);
  EXPECT_EQ(sample.memory_used_bytes, 80u);
  EXPECT_DOUBLE_EQ(sample.power_w, 300);
  EXPECT_DOUBLE_EQ(sample.hottest_c, 61);
  PowerSensors power("/nowhere", gpus.get(), true);
  EXPECT_EQ(power.source(), "nvml");
  EXPECT_DOUBLE_EQ(*power.total_j(at(seconds(1))), 5);
}

TEST(Wire, AResultArrivesAsItLeft) {
  Ended ended{.attempt = ref(5),
              .outcome = Outcome::kCrashed,
              .error = "x",
              .output = Payload::inlined("values")};
  ended.usage = {.queue = Duration(1),
                 .fetch = Duration(2),
                 .load = Duration(3),
                 .service = Duration(4),
                 .energy_j = 0.5,
                 .energy_source = "rapl",
                 .cost_usd = 2e-12};
  const v1::AgentFrame frame = to_wire({{.seq = 9, .body = ended}});
  ASSERT_EQ(frame.messages_size(), 1);
  EXPECT_EQ(frame.messages(0).seq(), 9u);
  const v1::AttemptResult& result = frame.messages(0).result();
  EXPECT_EQ(result.attempt().uid_low(), 5u);
  EXPECT_EQ(result.outcome(), v1::OUTCOME_CRASHED);
  EXPECT_EQ(result.output().inline_(), "values");
  EXPECT_EQ(result.usage().energy_uj(), 500'000u);
  EXPECT_EQ(result.usage().cost_pico_usd(), 2u);
}

TEST(Wire, AMessageOfAnUnknownKindIsToldAsSuch) {
  v1::ControllerFrame frame;
  frame.add_messages()->set_seq(3);
  const auto messages = from_wire(frame);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].seq, 3u);
  EXPECT_TRUE(std::holds_alternative<Unknown>(messages[0].body));
}

// Real processes: a shell stands in for the runner; the socket is its descriptor 3.
struct ProcessTest : ::testing::Test, RunnerEvents {
  Scratch scratch;
  boost::asio::io_context io;
  SystemClock clock;
  std::vector<runner::Frame> frames;
  std::vector<RunnerExit> exits;

  std::unique_ptr<RunnerProcesses> script(const std::string& body,
                                          CpuLimit limit = {{}, CpuLimit::Method::kNone, ""}) {
    scratch.put("runner", "#!/bin/sh\n" + body);
    std::filesystem::permissions(scratch.path + "/runner", std::filesystem::perms::owner_all);
    return std::make_unique<RunnerProcesses>(RunnerOptions{.program = scratch.path + "/runner"},
                                             std::move(limit), RunnerSandbox(), *this, clock,
                                             io.get_executor(), quiet_log());
  }
  void run_until_exit() {
    while (exits.empty() && io.run_one_for(std::chrono::seconds(20)) > 0) {
    }
  }
  void runner_frame(RunnerId, runner::Frame frame) override { frames.push_back(std::move(frame)); }
  void runner_exited(RunnerId, RunnerExit exit) override { exits.push_back(std::move(exit)); }
};

TEST_F(ProcessTest, FramesPassAndTheExitComesLastWithItsReason) {
  const std::string answer = runner::encode_frame(runner::Ran{.id = 1, .outputs = "out"});
  scratch.put("answer", answer);
  auto runners = script("cat " + scratch.path + "/answer >&3; echo goodbye >&2; kill -SEGV $$\n");
  runners->spawn(1, {});
  run_until_exit();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(std::get<runner::Ran>(frames[0]).outputs, "out");
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_THAT(exits[0].how, HasSubstr("by signal 11"));
  EXPECT_FALSE(exits[0].never_started);
}

TEST_F(ProcessTest, AKilledProcessAndWhatItStartedAreGone) {
  auto runners = script("sleep 1000 & echo $! > " + scratch.path + "/child; sleep 1000\n");
  runners->spawn(1, {});
  int child = 0;
  while (child == 0) {
    std::ifstream(scratch.path + "/child") >> child;
  }
  runners->kill(1);
  run_until_exit();
  EXPECT_THAT(exits[0].how, HasSubstr("by signal 9"));
  // The orphan dies a moment later and is reaped by others: gone, or a zombie.
  std::string state = "R";
  for (const Instant limit = clock.now() + seconds(10); state != "Z" && clock.now() < limit;) {
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string pid, name;
    state = "Z";
    stat >> pid >> name >> state;
  }
  EXPECT_EQ(state, "Z");
}

TEST_F(ProcessTest, WhatIsNoFrameEndsTheProcess) {
  auto runners = script("head -c 100 /dev/zero | tr '\\0' '\\377' >&3; sleep 1000\n");
  runners->spawn(1, {});
  run_until_exit();
  EXPECT_THAT(exits[0].how, HasSubstr("no frame"));
}

TEST_F(ProcessTest, AProgramThatIsNotThereIsToldAsNeverStarted) {
  RunnerProcesses runners({.program = scratch.path + "/nothing"}, {{}, CpuLimit::Method::kNone, ""},
                          RunnerSandbox(), *this, clock, io.get_executor(), quiet_log());
  runners.spawn(1, {});
  run_until_exit();
  EXPECT_TRUE(exits[0].never_started);
  EXPECT_THAT(exits[0].how, HasSubstr("No such file"));
}

// The limit that needs no privilege really limits: a busy loop of a fixed amount of processor time
// takes its multiple.
TEST_F(ProcessTest, TheStopAndGoLimitSlowsABusyProcessToItsShare) {
  const std::string burn = "i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done\n";
  const auto wall = [&](CpuLimit limit) {
    exits.clear();
    auto runners = script(burn, std::move(limit));
    const Instant begun = clock.now();
    runners->spawn(1, {});
    runners->send(1, runner::Run{.id = 1});
    run_until_exit();
    return to_seconds(clock.now() - begun);
  };
  rusage before = {};
  rusage after = {};
  ::getrusage(RUSAGE_CHILDREN, &before);
  const double slow_s = wall({{.share = 0.2}, CpuLimit::Method::kSigstop, ""});
  ::getrusage(RUSAGE_CHILDREN, &after);
  const double used_s =
      static_cast<double>(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
      static_cast<double>(after.ru_utime.tv_usec - before.ru_utime.tv_usec) * 1e-6;
  EXPECT_GT(slow_s, 3.5 * used_s);  // a fifth, on average, but for the first tick
}

}  // namespace
}  // namespace skerry::agent
