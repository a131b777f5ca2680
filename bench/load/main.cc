// skerry-bench-load: measures an HTTP service under a closed loop of keep-alive connections; prints
// one JSON object.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <stdexcept>
#include <string>

#include "bench/load/load.h"

namespace skerry::bench {
namespace {

// One body a line, so that a file of many requests is sent in turn.
std::vector<std::string> read_lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
  }
  if (lines.empty()) {
    throw std::runtime_error("nothing in " + path);
  }
  return lines;
}

boost::json::object to_json(const LoadReport& report) {
  constexpr double kMsPerNs = 1e-6;
  const auto ms = [&report](double fraction) {
    return static_cast<double>(report.latency.quantile_ns(fraction)) * kMsPerNs;
  };
  boost::json::object by_status;
  for (const auto& [status, count] : report.by_status) {
    by_status[fmt::format("{}", status)] = count;
  }
  return {
      {"answers", report.answers},
      {"errors", report.errors},
      {"first_error", report.first_error},
      {"seconds", report.seconds},
      {"per_s", report.seconds > 0 ? static_cast<double>(report.answers) / report.seconds : 0.0},
      {"received_bytes", report.received_bytes},
      {"by_status", by_status},
      {"p50_ms", ms(0.5)},
      {"p90_ms", ms(0.9)},
      {"p99_ms", ms(0.99)},
      {"p999_ms", ms(0.999)},
      {"max_ms", static_cast<double>(report.latency.max_ns()) * kMsPerNs},
      {"mean_ms", report.latency.mean_ns() * kMsPerNs}};
}

int run(int argc, char** argv) {
  LoadOptions options;
  std::string address;
  std::string bodies;
  std::string token_file;
  double warmup_s = 0;
  double seconds = 10;
  CLI::App app("Sends HTTP requests over keep-alive connections and measures them",
               "skerry-bench-load");
  app.add_option("address", address, "ADDRESS:PORT of the service")->required();
  app.add_option("target", options.target, "path and query")->required();
  app.add_option("--ca-file", options.ca_file, "over TLS, to a server of this authority");
  app.add_option("--method", options.method)->capture_default_str();
  app.add_option("--header", options.headers, "\"Name: value\"; may be repeated");
  app.add_option("--token-file", token_file, "holds a bearer token to show");
  app.add_option("--bodies", bodies, "file with one request body a line, sent in turn");
  app.add_option("--key-prefix", options.key_prefix, "send Idempotency-Key: PREFIX<number>");
  app.add_option("--connections", options.connections)
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000));
  app.add_option("--source", options.source, "address to connect from");
  app.add_option("--rate", options.rate_per_s,
                 "requests a second, of all connections together; 0 = as fast as answers come")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--seconds", seconds, "how long to measure")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--warmup", warmup_s, "seconds before that, not measured")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--requests", options.requests, "stop after that many answers; 0 = no limit")
      ->capture_default_str();
  app.add_option("--expect", options.expect_status, "every other status is an error")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos) {
      throw std::runtime_error("want ADDRESS:PORT, not " + address);
    }
    options.host = address.substr(0, colon);
    options.port = static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1)));
    options.warmup = std::chrono::duration<double>(warmup_s);
    options.measured = std::chrono::duration<double>(seconds);
    if (!bodies.empty()) {
      options.bodies = read_lines(bodies);
    }
    if (!token_file.empty()) {
      options.headers.push_back("Authorization: Bearer " + read_lines(token_file).front());
    }
    const LoadReport report = run_load(options);
    fmt::print("{}\n", boost::json::serialize(to_json(report)));
    return report.answers > 0 ? 0 : 1;
  } catch (const std::exception& failure) {
    fmt::print(stderr, "skerry-bench-load: {}\n", failure.what());
    return 1;
  }
}

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) { return skerry::bench::run(argc, argv); }
