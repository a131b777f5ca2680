// skerry-sandbox-cost: what the sandbox costs where it is felt: at a runner's start, which is on the cold path of a task.
//
// Usage: skerry-sandbox-cost RUNNER MODEL [STARTS]     MODEL: of the digits, models/digits/small.pt
//
// Starts runners as the agent does, by turns without layers and with all that this machine permits, and prints a JSON object:
// for each the layers, and the medians in milliseconds from the order to the first answer (of a runner without a model), to
// the model being loaded, of one forward, and from the order to end to the process being gone.

#include <fmt/format.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "agent/runner_process.h"
#include "agent/whole_file.h"
#include "common/digest.h"
#include "common/manifest.h"

namespace skerry::agent {
namespace {

ModelManifest digits() {
  ModelManifest manifest;
  manifest.name = "digits";
  manifest.inputs = {
      {.name = "image",
       .kind = InputKind::kImage,
       .image = {.width = 20, .height = 20, .channels = 1, .mean = {0.5F}, .std = {0.5F}}}};
  manifest.variants = {{.name = "small", .file = "small.pt"}};
  return manifest;
}

SandboxOptions asked(Demand demand) {
  SandboxOptions options{.profile = "cost", .first_uid = 1'900'000'000, .uids = 65'536};
  for (const runner::Layer layer : runner::kLayers) {
    options.demands[layer] = demand;
  }
  return options;
}

struct Series {
  std::vector<double> answer_ms, load_ms, forward_ms, end_ms;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values.empty() ? 0 : values[values.size() / 2];
}

// One way of starting runners, and how long what took.
class Course final : private RunnerEvents {
 public:
  Course(const std::string& program, std::string model, std::string digest,
         const RunnerSandbox& sandbox, Log& log)
      : model_(std::move(model)),
        digest_(std::move(digest)),
        layers_(to_string(sandbox.layers())),
        runners_({.program = program}, {{}, CpuLimit::Method::kNone, ""}, sandbox, *this, clock_,
                 io_.get_executor(), log) {}

  // False if a runner did not do what it should.
  bool run_once() {
    const Instant begun = clock_.now();
    runners_.spawn(++id_, {.artifact_path = model_});
    runners_.send(id_, runner::Run{.id = 1});
    wait_for_frame();
    series_.answer_ms.push_back(since(begun));
    runners_.send(id_,
                  runner::Load{.manifest_json = boost::json::serialize(manifest_to_json(digits())),
                               .artifact_path = model_,
                               .digest = digest_,
                               .device = "cpu"});
    const bool loaded = std::holds_alternative<runner::Loaded>(wait_for_frame());
    series_.load_ms.push_back(since(begun));
    const Instant asked_at = clock_.now();
    runners_.send(id_, runner::Run{.id = 2});
    const bool ran = std::holds_alternative<runner::Ran>(wait_for_frame());
    series_.forward_ms.push_back(since(asked_at));
    const Instant ordered = clock_.now();
    runners_.kill(id_);
    wait_for_exit();
    series_.end_ms.push_back(since(ordered));
    return loaded && ran;
  }

  boost::json::object report() const {
    return {{"layers", layers_.empty() ? "none" : layers_}, {"starts", series_.answer_ms.size()},
            {"answer_ms", median(series_.answer_ms)},       {"load_ms", median(series_.load_ms)},
            {"forward_ms", median(series_.forward_ms)},     {"end_ms", median(series_.end_ms)}};
  }

 private:
  double since(Instant begun) const { return to_ms(clock_.now() - begun); }

  runner::Frame wait_for_frame() {
    frame_.reset();
    while (!frame_ && !ended_) {
      io_.restart();
      io_.run_one();
    }
    return frame_.value_or(runner::Failed{.message = "it ended"});
  }
  void wait_for_exit() {
    while (!ended_) {
      io_.restart();
      io_.run_one();
    }
    ended_ = false;
  }
  void runner_frame(RunnerId, runner::Frame frame) override { frame_ = std::move(frame); }
  void runner_exited(RunnerId, RunnerExit exit) override {
    if (exit.never_started) {
      fmt::print(stderr, "skerry-sandbox-cost: {}\n", exit.how);
    }
    ended_ = true;
  }

  const std::string model_;
  const std::string digest_;
  const std::string layers_;
  mutable SystemClock clock_;
  boost::asio::io_context io_;
  RunnerProcesses runners_;
  RunnerId id_ = 0;
  std::optional<runner::Frame> frame_;
  bool ended_ = false;
  Series series_;
};

int measure(const std::string& program, const std::string& model, int starts) {
  Log log("cost", std::make_shared<spdlog::sinks::null_sink_mt>());
  const auto none = RunnerSandbox::detect(asked(Demand::kOff), program);
  const auto all = RunnerSandbox::detect(asked(Demand::kPreferred), program);
  if (!none || !all) {
    fmt::print(stderr, "skerry-sandbox-cost: {}\n", (none ? all : none).error().message);
    return 1;
  }
  const auto content = read_whole_file(model);
  if (!content || content->empty()) {
    fmt::print(stderr, "skerry-sandbox-cost: no model in {}\n", model);
    return 1;
  }
  const std::string digest = sha256_digest(*content);
  Course without(program, model, digest, *none, log);
  Course with(program, model, digest, *all, log);
  bool good = without.run_once() && with.run_once();  // files come into memory
  for (int start = 0; start < starts; ++start) {
    good = without.run_once() && with.run_once() && good;
  }
  const boost::json::object report = {{"without", without.report()}, {"with", with.report()}};
  fmt::print("{}\n", boost::json::serialize(report));
  return good ? 0 : 1;
}

}  // namespace
}  // namespace skerry::agent

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fputs("usage: skerry-sandbox-cost RUNNER MODEL [STARTS]\n", stderr);
    return 64;
  }
  return skerry::agent::measure(argv[1], argv[2], argc == 4 ? std::atoi(argv[3]) : 20);
}
