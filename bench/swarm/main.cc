// skerry-bench-swarm: many idle agents in one process, each with a connection and a stream of its
// own and a heartbeat a second, as a controller of a large fleet sees them. Prints {"connected": N}
// once all were welcomed, then stays.

#include <fmt/core.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "skerry/v1/agent.grpc.pb.h"

namespace skerry::bench {
namespace {

using std::chrono::steady_clock;

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
  Agent(const std::string& controller, int number, Tally& tally) : tally_(tally) {
    grpc::ChannelArguments arguments;
    arguments.SetInt("grpc.use_local_subchannel_pool", 1);  // a connection of its own
    const auto channel =
        grpc::CreateCustomChannel(controller, grpc::InsecureChannelCredentials(), arguments);
    stub_ = v1::AgentLink::NewStub(channel);
    v1::AgentMessage& message = *out_.add_messages();
    message.set_seq(++sequence_);
    v1::Hello& hello = *message.mutable_hello();
    hello.set_min_version(1);
    hello.set_max_version(1);
    hello.set_node_name(fmt::format("swarm-{:04}", number));
    hello.set_incarnation(1);
    hello.set_capacity(4);
    hello.set_software_version("swarm");
    v1::Capabilities& node = *hello.mutable_capabilities();
    node.set_tier("edge");
    node.set_site(fmt::format("site-{}", number % 20));
    node.add_engines("noop");
    node.set_slots(2);
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

  // Once a second; skipped while the write before it is under way.
  void beat() {
    if (!live_ || writing_.exchange(true)) {
      return;
    }
    out_.Clear();
    v1::AgentMessage& message = *out_.add_messages();
    message.set_seq(++sequence_);
    v1::Heartbeat& heartbeat = *message.mutable_heartbeat();
    heartbeat.set_sent_us(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                       steady_clock::now().time_since_epoch())
                                       .count()));
    heartbeat.set_rtt_us(200);
    v1::Telemetry& telemetry = *heartbeat.mutable_telemetry();
    telemetry.set_cpu_fraction(0.05F);
    telemetry.set_memory_total_bytes(1U << 30U);
    telemetry.set_memory_used_bytes(1U << 28U);
    telemetry.set_load_1m(0.2F);
    telemetry.set_power_w(2.1F);
    telemetry.set_power_source("modelled");
    StartWrite(&out_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      return;
    }
    for (const v1::ControllerMessage& message : in_.messages()) {
      if (message.has_welcome() && !live_.exchange(true)) {
        tally_.welcomed();
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
  Tally& tally_;
  std::unique_ptr<v1::AgentLink::Stub> stub_;
  grpc::ClientContext context_;
  v1::AgentFrame out_;
  v1::ControllerFrame in_;
  std::uint64_t sequence_ = 0;
  std::atomic<bool> writing_{true};  // the hello
  std::atomic<bool> live_{false};
};

int run(const std::string& controller, int count, int seconds) {
  Tally tally;
  std::vector<std::unique_ptr<Agent>> agents;
  for (int i = 0; i < count; ++i) {
    agents.push_back(std::make_unique<Agent>(controller, i, tally));
    agents.back()->start();
  }
  const auto until = steady_clock::now() + std::chrono::seconds(seconds);
  std::mutex never;
  std::condition_variable tick;
  bool told = false;
  std::size_t next = 0;
  while (steady_clock::now() < until && tally.broken_streams() == 0) {
    // A hundredth of the agents every 10 ms, so that heartbeats are spread as they are in life.
    for (std::size_t i = 0; i < (agents.size() + 99) / 100; ++i) {
      agents[next++ % agents.size()]->beat();
    }
    if (!told && tally.wait_welcomed(count, std::chrono::seconds(0))) {
      fmt::print("{{\"connected\": {}}}\n", count);
      std::fflush(stdout);
      told = true;
    }
    std::unique_lock lock(never);
    tick.wait_for(lock, std::chrono::milliseconds(10));
  }
  std::_Exit(tally.broken_streams() == 0 && told ? 0
                                                 : 1);  // a thousand open streams need no goodbye
}

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) {
  int count = 0;
  int seconds = 0;
  const auto number = [](std::string_view text, int& value) {
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc() &&
           value > 0;
  };
  if (argc != 4 || !number(argv[2], count) || !number(argv[3], seconds)) {
    fmt::print(stderr, "usage: skerry-bench-swarm ADDRESS:PORT AGENTS SECONDS\n");
    return 64;
  }
  return skerry::bench::run(argv[1], count, seconds);
}
