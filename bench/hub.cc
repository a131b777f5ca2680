// skerry-bench-hub: what the agents' streams cost the controller, without a core behind them.
//
// A Hub with a stand-in for the core serves agents of another process (this program again, as
// `agents PORT COUNT`):
//   idle    COUNT streams with a heartbeat a second each: processor time, resident memory
//   tasks   3 agents that answer every assignment at once with started and result: tasks a second,
//   processor time a task
// Prints one JSON object. The stand-in does what the core's driver does on its strand: take events
// in batches, send.

#include "controller/hub/hub.h"

#include <fmt/core.h>
#include <grpcpp/grpcpp.h>
#include <spdlog/sinks/null_sink.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "common/process_memory.h"
#include "skerry/v1/agent.grpc.pb.h"

namespace skerry::bench {
namespace {

using std::chrono::steady_clock;

constexpr int kIdleStreams = 1000;
constexpr int kTaskAgents = 3;
constexpr std::uint32_t kMany = 64;  // assignments outstanding at each agent
constexpr std::chrono::seconds kSettle{3};
constexpr std::chrono::seconds kMeasure{10};

// ---- the agents' process

class FakeAgent final : public grpc::ClientBidiReactor<v1::AgentFrame, v1::ControllerFrame> {
 public:
  FakeAgent(const std::string& controller, int number) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
    stub_ = v1::AgentLink::NewStub(
        grpc::CreateCustomChannel(controller, grpc::InsecureChannelCredentials(), arguments));
    v1::Hello& hello = *add().mutable_hello();
    hello.set_min_version(1);
    hello.set_max_version(1);
    hello.set_node_name(fmt::format("fake-{}", number));
    hello.set_incarnation(1);
    hello.set_capacity(kMany);
    v1::Capabilities& node = *hello.mutable_capabilities();
    node.set_tier("edge");
    node.add_engines("noop");
    node.set_slots(1);
    node.set_speed(1);
  }

  void start() {
    stub_->async()->Session(&context_, this);
    AddHold();
    StartRead(&in_);
    {
      const std::lock_guard lock(mutex_);
      write();
    }
    StartCall();
  }

  void beat() {
    const std::lock_guard lock(mutex_);
    v1::Heartbeat& heartbeat = *add().mutable_heartbeat();
    heartbeat.set_sent_us(1);
    heartbeat.mutable_telemetry()->set_cpu_fraction(0.5F);
    heartbeat.mutable_telemetry()->set_memory_total_bytes(1 << 30);
    heartbeat.mutable_telemetry()->set_power_source("modelled");
    write();
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      std::_Exit(0);  // the server is through
    }
    const std::lock_guard lock(mutex_);
    for (const v1::ControllerMessage& message : in_.messages()) {
      if (message.has_assign()) {
        *add().mutable_started()->mutable_attempt() = message.assign().attempt();
        v1::AttemptResult& result = *add().mutable_result();
        *result.mutable_attempt() = message.assign().attempt();
        result.set_outcome(v1::OUTCOME_SUCCEEDED);
        *result.mutable_output() = message.assign().input();
        result.mutable_usage()->set_service_us(5);
      }
    }
    write();
    StartRead(&in_);
  }
  void OnWriteDone(bool) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    write();
  }
  void OnDone(const grpc::Status&) override { std::_Exit(0); }

 private:
  v1::AgentMessage& add() {
    v1::AgentMessage& message = *next_.add_messages();
    message.set_seq(++seq_);
    return message;
  }
  void write() {
    if (!writing_ && next_.messages_size() > 0) {
      writing_ = true;
      out_.Clear();
      out_.Swap(&next_);
      StartWrite(&out_);
    }
  }

  std::unique_ptr<v1::AgentLink::Stub> stub_;
  grpc::ClientContext context_;
  std::mutex mutex_;
  v1::AgentFrame next_;
  v1::AgentFrame out_;
  bool writing_ = false;
  std::uint64_t seq_ = 0;
  v1::ControllerFrame in_;
};

[[noreturn]] void run_agents(const std::string& port, int count) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::vector<std::unique_ptr<FakeAgent>> agents;
  for (int i = 0; i < count; ++i) {
    agents.push_back(std::make_unique<FakeAgent>("127.0.0.1:" + port, i));
    agents.back()->start();
  }
  while (true) {  // a heartbeat a second each, spread evenly
    for (const auto& agent : agents) {
      std::this_thread::sleep_for(std::chrono::microseconds(1'000'000 / count));
      agent->beat();
    }
  }
}

// ---- the controller's process

class StandIn final : public controller::Gateway, public hub::ModelSource {
 public:
  explicit StandIn(std::uint32_t window) : window_(window) {}

  void start(hub::Hub& hub) {
    thread_ = std::jthread([this, &hub](const std::stop_token& stop) { run(hub, stop); });
  }
  void stop() { thread_ = {}; }

  core::Ticket ask(core::Event, std::move_only_function<void(Result<core::Reply>)>) override {
    return core::kNoTicket;
  }
  // At once: what the hub marks this way counts as applied, so that nothing is held back.
  void inspect(std::move_only_function<void(const core::Core&, Instant)> look) override {
    look(core_, {});
  }
  void tell(core::Event event) override {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
    }
    told_.notify_one();
  }
  std::shared_ptr<const std::string> manifest_json(std::string_view, std::uint64_t) override {
    return std::make_shared<std::string>("{}");
  }
  hub::Artifact artifact(std::string_view, std::uint64_t, std::string_view) override { return {}; }

  int sessions() const { return sessions_; }
  std::uint64_t tasks() const { return tasks_; }

 private:
  const core::Core core_{core::Settings{}, 1};

  void run(hub::Hub& hub, const std::stop_token& stop) {
    std::vector<core::Event> batch;
    while (true) {
      {
        std::unique_lock lock(mutex_);
        if (!told_.wait(lock, stop, [this] { return !events_.empty(); })) {
          return;
        }
        batch.swap(events_);
      }
      for (core::Event& event : batch) {
        std::visit([&](const auto& one) { on(hub, one); }, event);
      }
      batch.clear();
    }
  }
  void on(hub::Hub& hub, const core::AgentHello& hello) {
    hub.send({hello.session, core::WelcomeAgent{.epoch = Epoch{1}, .heartbeat = seconds(1)}});
    ++sessions_;
    for (std::uint32_t i = 0; i < window_; ++i) {
      assign(hub, hello.session);
    }
  }
  void on(hub::Hub& hub, const core::AgentHeartbeat& heartbeat) {
    hub.send({heartbeat.session, core::AckHeartbeat{}});
  }
  void on(hub::Hub& hub, const core::AttemptEnded& ended) {
    hub.send({ended.session, core::AckResult{.attempt = ended.attempt, .committed = true}});
    ++tasks_;
    assign(hub, ended.session);
  }
  template <typename Other>
  void on(hub::Hub&, const Other&) {}

  void assign(hub::Hub& hub, SessionId session) {
    core::AssignAttempt assign{.model = "echo", .variant = "only", .manifest_revision = 1};
    assign.attempt.job.value = ++last_job_;
    assign.attempt.number = 1;
    assign.attempt.uid = {.high = 1, .low = last_job_};
    assign.input = input_;
    hub.send({session, std::move(assign)});
  }

  const std::uint32_t window_;
  const Payload input_ = Payload::inlined(std::string(200, 'x'));
  std::mutex mutex_;  // between gRPC's threads and the one that stands for the core's strand
  std::condition_variable_any told_;
  std::vector<core::Event> events_;
  std::atomic<int> sessions_ = 0;
  std::atomic<std::uint64_t> tasks_ = 0;
  std::uint64_t last_job_ = 0;
  std::jthread thread_;
};

double cpu_s() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto total = [](timeval t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return total(usage.ru_utime) + total(usage.ru_stime);
}

double rss_kb() { return static_cast<double>(resident_bytes()) / 1024; }

pid_t spawn_agents(const char* self, std::uint16_t port, int count) {
  const std::string port_text = std::to_string(port);
  const std::string count_text = std::to_string(count);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execl(self, self, "agents", port_text.c_str(), count_text.c_str(), nullptr);
    ::_exit(127);
  }
  return pid;
}

struct Measured {
  double cpu_percent = 0;
  double rss_before_kb = 0;
  double rss_kb = 0;
  double tasks_per_s = 0;
  double cpu_us_per_task = 0;
  double tasks_per_frame = 0;
};

Measured measure(const char* self, blobs::BlobDir& blobs, Log& log, int count,
                 std::uint32_t window) {
  SystemClock clock;
  StandIn stand_in(window);
  auto hub = hub::Hub::start({}, stand_in, blobs, stand_in, clock, log);
  if (!hub) {
    fmt::print(stderr, "skerry-bench-hub: {}\n", hub.error().message);
    std::exit(1);
  }
  stand_in.start(**hub);
  Measured measured{.rss_before_kb = rss_kb()};
  const pid_t agents = spawn_agents(self, (*hub)->port(), count);
  const auto patience = steady_clock::now() + std::chrono::seconds(60);
  while (stand_in.sessions() < count && steady_clock::now() < patience) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (stand_in.sessions() < count) {
    fmt::print(stderr, "skerry-bench-hub: only {} of {} agents came\n", stand_in.sessions(), count);
    std::exit(1);
  }
  std::this_thread::sleep_for(kSettle);
  const auto start = steady_clock::now();
  const double start_cpu_s = cpu_s();
  const std::uint64_t start_tasks = stand_in.tasks();
  const std::uint64_t start_frames = (*hub)->count(hub::Count::kFramesReceived);
  std::this_thread::sleep_for(kMeasure);
  const double took_s = std::chrono::duration<double>(steady_clock::now() - start).count();
  const double used_s = cpu_s() - start_cpu_s;
  const auto tasks = static_cast<double>(stand_in.tasks() - start_tasks);
  const auto frames =
      static_cast<double>((*hub)->count(hub::Count::kFramesReceived) - start_frames);
  measured.cpu_percent = used_s / took_s * 100;
  measured.rss_kb = rss_kb();
  measured.tasks_per_s = tasks / took_s;
  measured.cpu_us_per_task = tasks > 0 ? used_s / tasks * 1e6 : 0;
  measured.tasks_per_frame = frames > 0 ? tasks / frames : 0;
  (*hub)->stop();
  ::kill(agents, SIGKILL);
  ::waitpid(agents, nullptr, 0);
  stand_in.stop();
  return measured;
}

int run(const char* self) {
  const auto root =
      std::filesystem::temp_directory_path() / fmt::format("skerry-bench-hub-{}", ::getpid());
  auto blobs = blobs::BlobDir::open(root);
  if (!blobs) {
    fmt::print(stderr, "skerry-bench-hub: {}\n", blobs.error().message);
    return 1;
  }
  const auto log =
      make_log({.part = "bench"}, std::make_shared<spdlog::sinks::null_sink_mt>(), false);
  const Measured idle = measure(self, **blobs, *log, kIdleStreams, 0);
  const Measured tasks = measure(self, **blobs, *log, kTaskAgents, kMany);
  const Measured alone = measure(self, **blobs, *log, kTaskAgents, 1);
  std::filesystem::remove_all(root);
  fmt::print(
      "{{\"idle_streams\": {}, \"idle_cpu_percent\": {:.1f}, \"idle_rss_mb\": {:.1f}, "
      "\"rss_kb_per_stream\": {:.1f}, \"tasks_per_s\": {:.0f}, \"cpu_us_per_task\": {:.1f}, "
      "\"tasks_per_frame\": {:.1f}, \"alone_tasks_per_s\": {:.0f}, \"alone_cpu_us_per_task\": "
      "{:.1f}}}\n",
      kIdleStreams, idle.cpu_percent, idle.rss_kb / 1024,
      (idle.rss_kb - idle.rss_before_kb) / kIdleStreams, tasks.tasks_per_s, tasks.cpu_us_per_task,
      tasks.tasks_per_frame, alone.tasks_per_s, alone.cpu_us_per_task);
  return 0;
}

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "agents") {
    int count = 0;
    const std::string text = argv[3];
    std::from_chars(text.data(), text.data() + text.size(), count);
    skerry::bench::run_agents(argv[2], count);
  }
  return skerry::bench::run("/proc/self/exe");
}
