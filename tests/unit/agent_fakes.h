// agent_fakes.h: the agent's seams for tests: a link, engines, blobs and sensors that only remember
// what was asked of them.

#pragma once

#include <spdlog/sinks/null_sink.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "agent/engines/engine.h"
#include "agent/memory_journal.h"
#include "common/check.h"
#include "common/values.h"

namespace skerry::agent::testing {

inline Log& quiet_log() {
  static Log log("test", std::make_shared<spdlog::sinks::null_sink_mt>());
  return log;
}

inline Instant at(Duration since) { return instant_from_us(1'000'000'000) + since; }

inline AttemptRef ref(std::uint64_t n) {
  return {.job = JobId::make(Epoch{1}, n), .number = 1, .uid = {.high = 7, .low = n}};
}

struct FakeLink final : AgentLink {
  ConnectionId id = 0;
  int connects = 0;
  bool open = false;
  bool closed_by_agent = false;
  std::vector<std::vector<Outgoing>> frames;  // of the newest connection

  void connect(ConnectionId connection) override {
    id = connection;
    ++connects;
    open = true;
    closed_by_agent = false;
    frames.clear();
  }
  void write(ConnectionId connection, std::vector<Outgoing> frame) override {
    check(connection == id && open, "written to a connection that is not open");
    frames.push_back(std::move(frame));
  }
  void close(ConnectionId connection, bool) override {
    check(connection == id, "closed another connection");
    open = false;
    closed_by_agent = true;
  }

  template <typename T>
  std::vector<T> sent() const {
    std::vector<T> messages;
    for (const auto& frame : frames) {
      for (const Outgoing& message : frame) {
        if (const T* body = std::get_if<T>(&message.body)) {
          messages.push_back(*body);
        }
      }
    }
    return messages;
  }
};

// Ends runs when the test says so.
struct FakeEngine final : Engine {
  explicit FakeEngine(std::string engine_name = "noop", bool artifact = false)
      : name_(std::move(engine_name)), artifact_(artifact) {}

  std::vector<std::pair<RunToken, Work>> started;
  std::vector<RunToken> aborted;
  std::map<std::string, Verdict> verdicts;  // by variant
  std::vector<RunEnded> ended;

  std::string_view name() const override { return name_; }
  bool needs_artifact() const override { return artifact_; }
  Verdict admit(Instant, const Work& work) override { return verdicts[work.variant.variant]; }
  void start(Instant, RunToken token, Work work) override {
    started.emplace_back(token, std::move(work));
  }
  void abort(Instant, RunToken token) override { aborted.push_back(token); }
  std::vector<RunEnded> take_ended() override { return std::exchange(ended, {}); }
  std::vector<VariantRef> resident() const override { return {}; }
  void on_time(Instant) override {}
  Instant next_timer() const override { return kNever; }

  void succeed(RunToken token, std::string output = "out") {
    ended.push_back({.token = token,
                     .output = std::make_shared<const std::string>(std::move(output)),
                     .service = milliseconds(10)});
  }
  void fail(RunToken token, Outcome outcome, std::string error) {
    ended.push_back({.token = token, .outcome = outcome, .error = std::move(error)});
  }

 private:
  std::string name_;
  bool artifact_;
};

struct FakeBlobs final : Blobs {
  std::vector<std::pair<BlobTicket, std::string>> fetches;
  std::map<std::string, int> held;
  std::vector<std::pair<BlobTicket, std::shared_ptr<const std::string>>> stores;
  std::vector<std::string> distrusted;

  void fetch(BlobTicket ticket, const std::string& digest, bool) override {
    fetches.emplace_back(ticket, digest);
    ++held[digest];
  }
  void release(const std::string& digest) override { --held[digest]; }
  void distrust(const std::string& digest) override { distrusted.push_back(digest); }
  void store(BlobTicket ticket, std::shared_ptr<const std::string> bytes, Master) override {
    stores.emplace_back(ticket, std::move(bytes));
  }
  int held_in_all() const {
    int all = 0;
    for (const auto& [digest, count] : held) {
      all += count;
    }
    return all;
  }
};

struct FakeMeter final : EnergyMeter {
  std::optional<double> joules;
  std::string source() const override { return joules ? "rapl" : "modelled"; }
  std::optional<double> total_j(Instant) override { return joules; }
};

struct FakeSensors final : Sensors {
  Telemetry sample(Instant) override { return {.cpu_fraction = 0.25}; }
};

inline std::string manifest_json(const std::string& engine, bool stateful = false) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  std::string variants;
  for (const char* name : {"s", "m", "l"}) {
    variants += (variants.empty() ? "" : ",") + std::string(R"({"name":")") + name +
                R"(","digest":")" + digest + "\"}";
  }
  return R"({"apiVersion":"skerry/v1","kind":"Model","metadata":{"name":"digits"},"spec":{"engine":")" +
         engine + R"(","stateful":)" + (stateful ? "true" : "false") +
         R"(,"inputs":[{"name":"x","kind":"tensor","shape":[1]}],"outputs":[{"name":"y","kind":"tensor"}],)"
         R"("variants":[)" +
         variants + "]}}";
}

// Of the model "m" with the variant "only".
inline ManifestPtr noop_manifest(std::uint64_t revision) {
  return Manifests()
      .resolve("m", revision,
               R"({"apiVersion": "skerry/v1", "kind": "Model", "metadata": {"name": "m"},
         "spec": {"engine": "noop", "inputs": [{"name": "x", "kind": "tensor", "dtype": "f32", "shape": [-1]}],
                  "outputs": [{"name": "x", "kind": "tensor"}],
                  "variants": [{"name": "only", "accuracy": 1.0, "reference_ms": 1}]}})")
      .value();
}

inline Assign assignment(std::uint64_t n, std::string variant = "s",
                         const std::string& engine = "noop") {
  return {.attempt = ref(n),
          .model = "digits",
          .variant = std::move(variant),
          .artifact = "sha256:" + std::string(64, 'a'),
          .manifest_json = manifest_json(engine),
          .manifest_revision = 1,
          .input = Payload::inlined("in"),
          .epoch = Epoch{1}};
}

template <typename T>
std::vector<T> only(const std::vector<ToController>& messages) {
  std::vector<T> found;
  for (const auto& message : messages) {
    if (const T* body = std::get_if<T>(&message)) {
      found.push_back(*body);
    }
  }
  return found;
}

}  // namespace skerry::agent::testing
