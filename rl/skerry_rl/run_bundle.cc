#include "rl/skerry_rl/run_bundle.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <thread>

#include "common/version.h"

namespace skerry::rl {

namespace {

double rounded(double value) { return std::round(value * 1e4) / 1e4; }

}  // namespace

std::string machine_text(const std::string& device) {
  std::ifstream file("/proc/cpuinfo");
  std::string model = "unknown processor";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) {
      const std::size_t at = line.find(": ");
      model = at == std::string::npos ? model : line.substr(at + 2);
      break;
    }
  }
  return fmt::format("{}, {} processors{}", model, std::thread::hardware_concurrency(),
                     device == "cpu" ? "" : ", learned on " + device);
}

Bundle bundle_of(const TrainingSettings& settings, const Mlp& network, const TrainProgress& last) {
  boost::json::object figures;
  for (const Figure& figure : last.figures) {
    figures[figure.name] = rounded(figure.value);
  }
  boost::json::object training = {{"config", settings.effective},
                                  {"seed", settings.train.seed},
                                  {"labels", last.total_labels},
                                  {"seconds", std::round(last.elapsed_s)},
                                  {"machine", machine_text(settings.learner.device)},
                                  {"commit", std::string(kCommit)},
                                  {"figures", std::move(figures)}};
  return {.name = settings.name,
          .problem = settings.problem_name,
          .features = settings.problem.features,
          .network = network,
          .training = std::move(training),
          .card = {}};
}

}  // namespace skerry::rl
