// The agent's half of the sandbox: settings, what it finds out at its start, groups, and runners that misbehave towards it.
// Shells stand in for runners; tests/sandbox does it with real ones.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/runner_groups.h"
#include "agent/runner_process.h"
#include "agent/sandbox_config.h"
#include "common/digest.h"
#include "tests/unit/agent_fakes.h"

namespace skerry::agent {
namespace {

using namespace testing;
using runner::Layer;
using ::testing::_;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

struct Scratch {
  std::string path = ::testing::TempDir() + "/skerry-sandbox-" + to_hex(random_bytes(6));
  Scratch() { std::filesystem::create_directories(path); }
  ~Scratch() { std::filesystem::remove_all(path); }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name, std::ios::binary) << text;
  }
  std::string get(const std::string& name) const {
    std::ifstream file(path + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // A program that runs this, with the socket for its descriptor 3.
  std::string script(const std::string& body) const {
    const std::string name = "program-" + to_hex(random_bytes(3));
    put(name, "#!/bin/sh\n" + body);
    std::filesystem::permissions(path + "/" + name, std::filesystem::perms::owner_all);
    return path + "/" + name;
  }
};

// ---- settings

std::pair<AgentConfig, std::string> configure(const std::string& sandbox) {
  ConfigReader reader(
      {.kind = "AgentConfig",
       .text = "apiVersion: skerry/v1\nkind: AgentConfig\nsandbox: " + sandbox + "\n",
       .origin = "agent.yaml"});
  AgentConfig config;
  read_sandbox(
      reader.root().section("sandbox"),
      [](const std::string& name) {
        return name == "LANG" ? std::optional<std::string>("C") : std::nullopt;
      },
      config);
  const Status status = reader.finish();
  return {config, status ? "" : status.error().message};
}

TEST(SandboxConfig, WantsEveryLayerWhereItCanBeHad) {
  const auto [config, wrong] = configure("{}");
  EXPECT_EQ(wrong, "");
  EXPECT_THAT(config.sandbox.demands, SizeIs(runner::kLayers.size()));
  EXPECT_THAT(config.sandbox.demands, Each(Pair(_, Demand::kPreferred)));
  EXPECT_EQ(config.sandbox.first_uid, 1'900'000'000u);
  EXPECT_EQ(config.sandbox.uids, 65'536u);
  EXPECT_TRUE(config.finds_devices);
  EXPECT_FALSE(config.shares_runners);
  EXPECT_THAT(config.sandbox.environment, ElementsAre("LANG=C"));
}

TEST(SandboxConfig, ProductionRequiresThemButForControlGroups) {
  const auto [config, wrong] = configure("{profile: production}");
  EXPECT_EQ(wrong, "");
  for (const auto& [layer, demand] : config.sandbox.demands) {
    EXPECT_EQ(demand, layer == Layer::kCgroup ? Demand::kPreferred : Demand::kRequired)
        << to_string(layer);
  }
}

TEST(SandboxConfig, ALayerIsChosenOverItsProfile) {
  const auto [config, wrong] =
      configure("{profile: off, layers: {seccomp: required}, share_runners: true}");
  EXPECT_EQ(wrong, "");
  EXPECT_EQ(config.sandbox.demands.at(Layer::kSeccomp), Demand::kRequired);
  EXPECT_EQ(config.sandbox.demands.at(Layer::kMount), Demand::kOff);
  EXPECT_TRUE(config.shares_runners);
}

TEST(SandboxConfig, NamesWhatIsWrong) {
  EXPECT_THAT(configure("{profile: strict}").second, HasSubstr("sandbox.profile"));
  EXPECT_THAT(configure("{layers: {moat: required}}").second, HasSubstr("sandbox.layers.moat"));
  EXPECT_THAT(configure("{layers: {pid: maybe}}").second, HasSubstr("sandbox.layers.pid"));
  for (const char* uids : {"0-10", "10", "20-10", "a-b", "5-4294967295"}) {
    EXPECT_THAT(configure("{uids: '" + std::string(uids) + "'}").second, HasSubstr("sandbox.uids"))
        << uids;
  }
  EXPECT_THAT(configure("{paths: [lib]}").second, HasSubstr("'lib' must be an absolute path"));
  EXPECT_THAT(configure("{environment: [=x]}").second, HasSubstr("sandbox.environment"));
}

TEST(SandboxConfig, GivesRunnersWhatIsNamedOfTheEnvironment) {
  const auto [config, wrong] =
      configure("{environment: [LANG, HOME, TZ=UTC], devices: [/dev/nvidia0]}");
  EXPECT_EQ(wrong, "");
  EXPECT_THAT(config.sandbox.environment, ElementsAre("LANG=C", "TZ=UTC"));
  EXPECT_THAT(config.sandbox.devices, ElementsAre("/dev/nvidia0"));
  EXPECT_FALSE(config.finds_devices);
}

// ---- groups

TEST(RunnerGroups, BoundMemoryAndTasksInOneGroupOfVersion2) {
  const Scratch scratch;
  const RunnerGroups groups({{.version = 2, .path = scratch.path}});
  // A plain directory does not grow the kernel's files by itself.
  EXPECT_EQ(groups.make(7, 1u << 30, 100).error().code, ErrorCode::kIo);
  const std::string group = runner_group(scratch.path, 7);
  std::filesystem::create_directories(group);
  for (const char* file : {"memory.max", "pids.max", "memory.swap.max"}) {
    std::ofstream(group + "/" + file) << "";
  }
  const auto procs = groups.make(7, 1u << 30, 100);
  ASSERT_TRUE(procs) << procs.error().message;
  EXPECT_THAT(*procs, ElementsAre(group + "/cgroup.procs"));
  const auto written = [&](const char* file) {
    std::string text;
    std::ifstream(group + "/" + file) >> text;
    return text;
  };
  EXPECT_EQ(written("memory.max"), std::to_string((1u << 30) + (64u << 20)));
  EXPECT_EQ(written("pids.max"), "100");
  EXPECT_EQ(written("memory.swap.max"), "0");
}

TEST(RunnerGroups, OfVersion1AreTwo) {
  const Scratch scratch;
  const RunnerGroups groups({{.version = 1, .path = scratch.path + "/memory"},
                             {.version = 1, .path = scratch.path + "/pids"}});
  const std::string memory = runner_group(scratch.path + "/memory", 1);
  const std::string pids = runner_group(scratch.path + "/pids", 1);
  std::filesystem::create_directories(memory);
  std::filesystem::create_directories(pids);
  std::ofstream(memory + "/memory.limit_in_bytes") << "";
  std::ofstream(pids + "/pids.max") << "";
  const auto procs = groups.make(1, 0, 50);
  ASSERT_TRUE(procs) << procs.error().message;
  EXPECT_THAT(*procs, ElementsAre(memory + "/cgroup.procs", pids + "/cgroup.procs"));
  std::string limit, tasks;
  std::ifstream(memory + "/memory.limit_in_bytes") >> limit;
  std::ifstream(pids + "/pids.max") >> tasks;
  EXPECT_EQ(limit + " " + tasks, "-1 50");
}

// ---- what is found out at the start

SandboxOptions wanting(Layer layer, Demand demand) {
  return {
      .profile = "default", .demands = {{layer, demand}}, .first_uid = 1'900'000'000, .uids = 9};
}

std::string ready(Layer layer, const std::string& missing = "") {
  return runner::encode_frame(runner::Ready{.layers = {{.layer = layer, .missing = missing}}});
}

struct DetectTest : ::testing::Test {
  Scratch scratch;

  // A runner that says this, once.
  std::string saying(const std::string& bytes) const {
    scratch.put("words", bytes);
    return scratch.script("cat " + scratch.path + "/words >&3; sleep 1000\n");
  }
};

TEST_F(DetectTest, WhatARunnerSaysHoldsAndIsRequiredOfThoseAfterIt) {
  const auto sandbox = RunnerSandbox::detect(wanting(Layer::kSeccomp, Demand::kRequired),
                                             saying(ready(Layer::kSeccomp)));
  ASSERT_TRUE(sandbox) << sandbox.error().message;
  EXPECT_EQ(to_string(sandbox->layers()), "seccomp yes");
  EXPECT_THAT(sandbox->labels(), Contains(Pair("skerry/sandbox", "full")));
  EXPECT_THAT(sandbox->labels(), Contains(Pair("skerry/sandbox-layers", "seccomp")));
  SpawnOptions plan;
  ASSERT_TRUE(sandbox->prepare(1, 5u << 20, plan));
  EXPECT_THAT(plan.arguments,
              ::testing::IsSupersetOf({"--required", "seccomp", "--memory-limit-mb", "5"}));
  EXPECT_TRUE(sandbox->accept({.layers = {{.layer = Layer::kSeccomp, .missing = ""}}}));
  EXPECT_THAT(sandbox->accept({}).error().message, HasSubstr("lacks seccomp (not entered)"));
  EXPECT_THAT(
      sandbox->accept({.layers = {{.layer = Layer::kSeccomp, .missing = "why"}}}).error().message,
      HasSubstr("lacks seccomp (why)"));
}

TEST_F(DetectTest, APreferredLayerThatIsMissingIsToldWithItsReason) {
  const auto sandbox = RunnerSandbox::detect(wanting(Layer::kLandlock, Demand::kPreferred),
                                             saying(ready(Layer::kLandlock, "not in this kernel")));
  ASSERT_TRUE(sandbox);
  EXPECT_THAT(sandbox->labels(), Contains(Pair("skerry/sandbox", "off")));
  EXPECT_THAT(sandbox->labels(),
              Contains(Pair("skerry/sandbox-no-landlock", "not in this kernel")));
  SpawnOptions plan;
  ASSERT_TRUE(sandbox->prepare(1, 0, plan));
  EXPECT_THAT(plan.arguments, ::testing::IsSupersetOf({"--layers", "none", "--required"}));
}

TEST_F(DetectTest, ARequiredLayerThatIsMissingIsAnErrorThatNamesTheSettingAndTheFix) {
  const auto sandbox = RunnerSandbox::detect(wanting(Layer::kLandlock, Demand::kRequired),
                                             saying(ready(Layer::kLandlock, "not in this kernel")));
  ASSERT_FALSE(sandbox);
  EXPECT_EQ(sandbox.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(sandbox.error().message, HasSubstr("landlock: not in this kernel"));
  EXPECT_THAT(sandbox.error().message, HasSubstr("sandbox.layers.landlock"));
}

TEST_F(DetectTest, AProgramThatIsNoRunnerHasNoLayers) {
  for (const std::string& program :
       {scratch.path + "/nothing", scratch.script("exit 3\n"), saying("what?")}) {
    const auto sandbox =
        RunnerSandbox::detect(wanting(Layer::kLimits, Demand::kPreferred), program);
    ASSERT_TRUE(sandbox);
    EXPECT_THAT(to_string(sandbox->layers()),
                HasSubstr("limits no (" + program + " does not start: "));
    const auto required =
        RunnerSandbox::detect(wanting(Layer::kLimits, Demand::kRequired), program);
    ASSERT_FALSE(required);
    EXPECT_THAT(required.error().message, HasSubstr("runner.program"));
  }
}

TEST_F(DetectTest, EachRunnerOfARootAgentIsAnotherUser) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "an agent that is not root has user namespaces";
  }
  const auto sandbox =
      RunnerSandbox::detect(wanting(Layer::kUser, Demand::kPreferred), saying(ready(Layer::kUser)));
  ASSERT_TRUE(sandbox);
  std::set<std::string> users;
  for (RunnerId id = 1; id <= 9; ++id) {
    SpawnOptions plan;
    ASSERT_TRUE(sandbox->prepare(id, 0, plan));
    const auto option = std::ranges::find(plan.arguments, "--uid");
    ASSERT_NE(option, plan.arguments.end());
    users.insert(*std::next(option));
  }
  EXPECT_THAT(users, SizeIs(9));
}

// ---- runners that misbehave

struct ChildTest : ::testing::Test, RunnerEvents {
  Scratch scratch;
  boost::asio::io_context io;
  SystemClock clock;
  std::vector<runner::Frame> frames;
  std::vector<RunnerExit> exits;

  RunnerProcesses runners(const std::string& body, RunnerSandbox sandbox = {}) {
    return RunnerProcesses({.program = scratch.script(body)}, {{}, CpuLimit::Method::kNone, ""},
                           std::move(sandbox), *this, clock, io.get_executor(), quiet_log());
  }
  void run_until_exit() {
    while (exits.empty() && io.run_one_for(std::chrono::seconds(20)) > 0) {
    }
    ASSERT_THAT(exits, SizeIs(1));
  }
  // Of a runner that must say that it has entered the filter of system calls.
  RunnerSandbox strict() {
    scratch.put("words", ready(Layer::kSeccomp));
    auto sandbox =
        RunnerSandbox::detect(wanting(Layer::kSeccomp, Demand::kPreferred),
                              scratch.script("cat " + scratch.path + "/words >&3; sleep 1000\n"));
    return *std::move(sandbox);
  }
  void runner_frame(RunnerId, runner::Frame frame) override { frames.push_back(std::move(frame)); }
  void runner_exited(RunnerId, RunnerExit exit) override { exits.push_back(std::move(exit)); }
};

TEST_F(ChildTest, OneThatClosesItsSocketAndStaysIsEnded) {
  auto runners = this->runners("exec 3>&-; sleep 1000\n");
  runners.spawn(1, {});
  run_until_exit();
  EXPECT_THAT(exits[0].how, HasSubstr("closing its socket"));
  EXPECT_FALSE(exits[0].never_started);
}

TEST_F(ChildTest, AFloodOfErrorsIsReadSlowlyAndDoesNotKeepItFromBeingEnded) {
  auto runners = this->runners("yes 'what a day' >&2\n");
  runners.spawn(1, {});
  const Instant end = clock.now() + milliseconds(300);
  std::size_t events = 0;
  while (clock.now() < end) {
    events += io.run_one_for(std::chrono::milliseconds(50));
  }
  EXPECT_LT(events, 60u);  // a read and a pause each 50 ms, where it could be thousands
  runners.kill(1);
  run_until_exit();
}

TEST_F(ChildTest, ItsLastWordsAreReadThoughItHadBeenLoud) {
  auto runners = this->runners("yes x | head -n 20000 >&2; echo goodbye >&2; exit 5\n");
  runners.spawn(1, {});
  run_until_exit();
  EXPECT_THAT(exits[0].how, HasSubstr("with status 5, last words 'goodbye'"));
}

TEST_F(ChildTest, ItSaysFirstThatItIsInItsSandbox) {
  const RunnerSandbox sandbox = strict();
  scratch.put("ran", ready(Layer::kSeccomp) + runner::encode_frame(runner::Ran{.id = 1}));
  auto runners = this->runners("cat " + scratch.path + "/ran >&3; exit 0\n", sandbox);
  runners.spawn(1, {});
  run_until_exit();
  EXPECT_THAT(frames, SizeIs(1));  // Ready is not the engine's
  EXPECT_FALSE(exits[0].never_started);
}

TEST_F(ChildTest, OneThatSpeaksBeforeItIsInItsSandboxNeverStarted) {
  const RunnerSandbox sandbox = strict();
  scratch.put("ran", runner::encode_frame(runner::Ran{.id = 1}));
  auto runners = this->runners("cat " + scratch.path + "/ran >&3; sleep 1000\n", sandbox);
  runners.spawn(1, {});
  run_until_exit();
  EXPECT_THAT(frames, IsEmpty());
  EXPECT_TRUE(exits[0].never_started);
  EXPECT_THAT(exits[0].how, HasSubstr("before it was in its sandbox"));
}

TEST_F(ChildTest, OneWhoseSandboxHasAHoleNeverStarted) {
  const RunnerSandbox sandbox = strict();
  scratch.put("hole", ready(Layer::kSeccomp, "no filters today"));
  auto runners = this->runners("cat " + scratch.path + "/hole >&3; sleep 1000\n", sandbox);
  runners.spawn(1, {});
  run_until_exit();
  EXPECT_TRUE(exits[0].never_started);
  EXPECT_THAT(exits[0].how, HasSubstr("lacks seccomp (no filters today)"));
}

TEST_F(ChildTest, OneThatEndsBeforeThatNeverStarted) {
  const RunnerSandbox sandbox = strict();
  auto runners = this->runners("echo no sandbox here >&2; exit 71\n", sandbox);
  runners.spawn(1, {});
  run_until_exit();
  EXPECT_TRUE(exits[0].never_started);
  EXPECT_THAT(exits[0].how, HasSubstr("with status 71, last words 'no sandbox here'"));
}

TEST_F(ChildTest, ItHasASessionTheModelAndNothingOfOurEnvironment) {
  ::setenv("SKERRY_TEST_SECRET", "hidden", 1);
  scratch.put("model", "the model");
  auto runners = this->runners("cd " + scratch.path +
                               "; env > env; cut -d' ' -f6 /proc/$$/stat > session; echo $$ > pid; "
                               "cat <&4 > seen; echo \"$@\" > arguments; cat <&0 >> seen\n");
  runners.spawn(1, {.artifact_path = scratch.path + "/model"});
  run_until_exit();
  EXPECT_THAT(scratch.get("env"), Not(HasSubstr("hidden")));
  EXPECT_EQ(scratch.get("session"), scratch.get("pid"));
  EXPECT_EQ(scratch.get("seen"), "the model");
  EXPECT_THAT(scratch.get("arguments"), HasSubstr("--fd 3 --model-fd 4"));
}

TEST_F(ChildTest, AModelThatDoesNotOpenIsToldAsNeverStarted) {
  auto runners = this->runners("exit 0\n");
  runners.spawn(1, {.artifact_path = scratch.path + "/gone"});
  run_until_exit();
  EXPECT_TRUE(exits[0].never_started);
  EXPECT_THAT(exits[0].how, HasSubstr("cannot open " + scratch.path + "/gone"));
}

}  // namespace
}  // namespace skerry::agent
