// skerry-bench-runner: how long a forward takes when the runner is called directly: what the whole
// path is compared with. Prints {"p50_ms", "p99_ms"} of calls after a warm-up, image in and labels
// out, as an agent would call.

#include <fmt/core.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <variant>

#include "agent/runner/direct.h"
#include "bench/load/histogram.h"
#include "common/digest.h"
#include "common/values.h"

namespace skerry::bench {
namespace {

constexpr int kWarmUp = 500;
constexpr int kCalls = 5000;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

int give_up(const std::string& reason) {
  fmt::print(stderr, "skerry-bench-runner: {}\n", reason);
  return 1;
}

int run(char** argv) {
  auto runner = runner::DirectRunner::start(argv[1]);
  if (!runner) {
    return give_up(runner.error().message);
  }
  const auto loaded = runner->call(runner::Load{.manifest_json = read_file(argv[2]),
                                                .artifact_path = argv[3],
                                                .digest = sha256_digest(read_file(argv[3])),
                                                .device = "cpu"});
  if (!loaded || !std::holds_alternative<runner::Loaded>(*loaded)) {
    return give_up("the model was not loaded");
  }
  const std::string inputs = encode_values(
      {{.name = argv[5], .value = Media{.type = "image/png", .data = read_file(argv[4])}}});
  Histogram histogram;
  for (int i = 0; i < kWarmUp + kCalls; ++i) {
    const auto began = std::chrono::steady_clock::now();
    const auto answer = runner->call(
        runner::Run{.id = static_cast<std::uint64_t>(i), .sequence = {}, .inputs = inputs});
    const auto took = std::chrono::steady_clock::now() - began;
    if (!answer || !std::holds_alternative<runner::Ran>(*answer)) {
      return give_up("a forward failed");
    }
    if (i >= kWarmUp) {
      histogram.record(static_cast<std::uint64_t>(std::chrono::nanoseconds(took).count()));
    }
  }
  constexpr double kMsPerNs = 1e-6;
  fmt::print("{{\"p50_ms\": {:.4f}, \"p99_ms\": {:.4f}}}\n",
             static_cast<double>(histogram.quantile_ns(0.5)) * kMsPerNs,
             static_cast<double>(histogram.quantile_ns(0.99)) * kMsPerNs);
  return 0;
}

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) {
  if (argc != 6) {
    fmt::print(stderr,
               "usage: skerry-bench-runner RUNNER MANIFEST.json ARTIFACT IMAGE.png INPUT\n");
    return 64;
  }
  return skerry::bench::run(argv);
}
