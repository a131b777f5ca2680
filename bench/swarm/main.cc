// skerry-bench-swarm: many agents in one process, each with a connection and a stream of its own and
// a heartbeat a second, as a controller of a large fleet sees them. They idle, or take work of the
// engine noop and answer each task with its input after SERVICE_MS on one of two slots. Prints
// {"connected": N} once all were welcomed, then stays.

#include <fmt/core.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "skerry/v1/agent.grpc.pb.h"

namespace skerry::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kSlots = 2;
constexpr int kCapacity = 4;        // of a node: two run, two wait
constexpr int kMostOfAFrame = 256;  // messages

// Counts welcomes and broken streams; main waits on it.
class Tally {
 public:
  void welcomed() { change(welcomed_); }
  void broken() { change(broken_); }

  // True when that many were welcomed; false when a stream broke first or the time is up.
  bool wait_welcomed(int wanted, std::chrono::seconds limit) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [&] { return welcomed_ >= wanted || broken_ > 0; });
    return welcomed_ >= wanted && broken_ == 0;
  }
  int broken_streams() {
    const std::lock_guard lock(mutex_);
    return broken_;
  }

 private:
  void change(int& count) {
    const std::lock_guard lock(mutex_);
    ++count;
    changed_.notify_all();
  }

  std::mutex mutex_;  // between gRPC's threads and main
  std::condition_variable changed_;
  int welcomed_ = 0;
  int broken_ = 0;
};

// One agent. Deletes nothing: main keeps it until the process ends.
class Agent final : public grpc::ClientBidiReactor<v1::AgentFrame, v1::ControllerFrame> {
 public:
  Agent(const std::string& controller, int number, std::chrono::milliseconds service, Tally& tally)
      : tally_(tally), service_(service) {
    grpc::ChannelArguments arguments;
    arguments.SetInt("grpc.use_local_subchannel_pool", 1);  // a connection of its own
    const auto channel =
        grpc::CreateCustomChannel(controller, grpc::InsecureChannelCredentials(), arguments);
    stub_ = v1::AgentLink::NewStub(channel);
    v1::Hello& hello = *add_message().mutable_hello();
    hello.set_min_version(1);
    hello.set_max_version(1);
    hello.set_node_name(fmt::format("swarm-{:04}", number));
    hello.set_incarnation(1);
    hello.set_capacity(kCapacity);
    hello.set_software_version("swarm");
    v1::Capabilities& node = *hello.mutable_capabilities();
    node.set_tier("edge");
    node.set_site(fmt::format("site-{}", number % 20));
    node.add_engines("noop");
    node.set_slots(kSlots);
    node.set_memory_bytes(1U << 30U);
    node.set_speed(1);
    node.set_idle_w(2);
    node.set_busy_w(5);
    node.set_price_usd_per_hour(0.01);
    node.set_bandwidth_bytes_per_s(1e8);
    node.set_energy_source("modelled");
  }

  void start() {
    stub_->async()->Session(&context_, this);
    AddHold();  // for beat(), which starts writes from another thread
    StartRead(&in_);
    StartWrite(&out_);
    StartCall();
  }

  // Says what there is to say: a heartbeat if it is time, and the results that are due. Nothing while
  // the write before it is under way.
  void speak(steady_clock::time_point now) {
    if (!live_ || writing_.exchange(true)) {
      return;
    }
    out_.Clear();
    if (now >= next_beat_) {
      next_beat_ = now + std::chrono::seconds(1);
      add_heartbeat(now);
    }
    add_results(now);
    if (out_.messages().empty()) {
      writing_ = false;
    } else {
      StartWrite(&out_);
    }
  }

  void first_beat_at(steady_clock::time_point at) { next_beat_ = at; }

  void OnReadDone(bool ok) override {
    if (!ok) {
      return;
    }
    for (const v1::ControllerMessage& message : in_.messages()) {
      if (message.has_welcome() && !live_.exchange(true)) {
        tally_.welcomed();
      } else if (message.has_assign()) {
        take(message.assign());
      }
    }
    StartRead(&in_);
  }
  void OnWriteDone(bool) override { writing_ = false; }
  void OnDone(const grpc::Status& status) override {
    fmt::print(stderr, "skerry-bench-swarm: a stream ended: {}\n", status.error_message());
    tally_.broken();
  }

 private:
  struct Task {
    steady_clock::time_point due;
    v1::AttemptResult result;
  };

  v1::AgentMessage& add_message() {
    v1::AgentMessage& message = *out_.add_messages();
    message.set_seq(++sequence_);
    return message;
  }

  void add_heartbeat(steady_clock::time_point now) {
    v1::Heartbeat& heartbeat = *add_message().mutable_heartbeat();
    heartbeat.set_sent_us(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count()));
    heartbeat.set_rtt_us(200);
    v1::Telemetry& telemetry = *heartbeat.mutable_telemetry();
    telemetry.set_cpu_fraction(0.05F);
    telemetry.set_memory_total_bytes(1U << 30U);
    telemetry.set_memory_used_bytes(1U << 28U);
    telemetry.set_load_1m(0.2F);
    telemetry.set_power_w(2.1F);
    telemetry.set_power_source("modelled");
  }

  void add_results(steady_clock::time_point now) {
    const std::lock_guard lock(mutex_);
    while (!tasks_.empty() && tasks_.front().due <= now && out_.messages_size() < kMostOfAFrame) {
      add_message().mutable_result()->Swap(&tasks_.front().result);
      tasks_.pop_front();
    }
  }

  // It runs on the slot that is free first, so tasks end in the order in which they came.
  void take(const v1::Assign& assign) {
    const std::lock_guard lock(mutex_);
    auto& slot = slots_[next_slot_++ % slots_.size()];
    slot = std::max(slot, steady_clock::now()) + service_;
    Task& task = tasks_.emplace_back();
    task.due = slot;
    *task.result.mutable_attempt() = assign.attempt();
    task.result.set_outcome(v1::OUTCOME_SUCCEEDED);
    *task.result.mutable_output() = assign.input();
    v1::Usage& usage = *task.result.mutable_usage();
    usage.set_service_us(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(service_).count()));
    usage.set_energy_source("modelled");
  }

  Tally& tally_;
  const std::chrono::milliseconds service_;
  std::mutex mutex_;  // tasks come on gRPC's threads and leave on main's
  std::deque<Task> tasks_;
  std::array<steady_clock::time_point, kSlots> slots_{};
  std::size_t next_slot_ = 0;
  steady_clock::time_point next_beat_;
  std::unique_ptr<v1::AgentLink::Stub> stub_;
  grpc::ClientContext context_;
  v1::AgentFrame out_;
  v1::ControllerFrame in_;
  std::uint64_t sequence_ = 0;
  std::atomic<bool> writing_{true};  // the hello
  std::atomic<bool> live_{false};
};

int run(const std::string& controller, int count, int seconds, std::chrono::milliseconds service) {
  Tally tally;
  std::vector<std::unique_ptr<Agent>> agents;
  for (int i = 0; i < count; ++i) {
    agents.push_back(std::make_unique<Agent>(controller, i, service, tally));
    agents.back()->first_beat_at(steady_clock::now() + std::chrono::seconds(1) * i / count);
    agents.back()->start();
  }
  const auto until = steady_clock::now() + std::chrono::seconds(seconds);
  const std::chrono::milliseconds pause(service.count() > 0 ? 2 : 10);
  std::mutex never;
  std::condition_variable tick;
  bool told = false;
  while (steady_clock::now() < until && tally.broken_streams() == 0) {
    for (const auto& agent : agents) {
      agent->speak(steady_clock::now());
    }
    if (!told && tally.wait_welcomed(count, std::chrono::seconds(0))) {
      fmt::print("{{\"connected\": {}}}\n", count);
      std::fflush(stdout);
      told = true;
    }
    std::unique_lock lock(never);
    tick.wait_for(lock, pause);
  }
  std::_Exit(tally.broken_streams() == 0 && told ? 0
                                                 : 1);  // a thousand open streams need no goodbye
}

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) {
  int count = 0;
  int seconds = 0;
  int service_ms = 0;
  const auto number = [](std::string_view text, int& value) {
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc() &&
           value > 0;
  };
  if (argc < 4 || argc > 5 || !number(argv[2], count) || !number(argv[3], seconds) ||
      (argc == 5 && !number(argv[4], service_ms))) {
    fmt::print(stderr, "usage: skerry-bench-swarm ADDRESS:PORT AGENTS SECONDS [SERVICE_MS]\n");
    return 64;
  }
  return skerry::bench::run(argv[1], count, seconds, std::chrono::milliseconds(service_ms));
}
