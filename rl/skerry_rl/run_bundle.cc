#include "rl/skerry_rl/run_bundle.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <fstream>
#include <thread>

#include "common/version.h"
#include "rl/skerry_rl/files.h"

namespace skerry::rl {

namespace {

double rounded(double value) { return std::round(value * 1e4) / 1e4; }

// With the device that learned.
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

}  // namespace

Status write_origin(const std::string& folder, const std::string& device) {
  const boost::json::object origin = {{"commit", std::string(kCommit)},
                                      {"machine", machine_text(device)}};
  return write_file(folder + "/origin.json", boost::json::serialize(origin) + "\n");
}

Result<boost::json::object> read_origin(const std::string& folder) {
  const std::string path = folder + "/origin.json";
  const auto text = read_file(path);
  if (!text) {
    return fail(text.error());
  }
  boost::system::error_code malformed;
  const boost::json::value json = boost::json::parse(*text, malformed);
  return !malformed && json.is_object()
             ? Result<boost::json::object>(json.get_object())
             : fail(ErrorCode::kCorrupt, fmt::format("{} is not a JSON object", path));
}

Bundle bundle_of(const TrainingSettings& settings, const Mlp& network, const TrainProgress& last,
                 const boost::json::object& origin) {
  boost::json::object figures;
  for (const Figure& figure : last.figures) {
    figures[figure.name] = rounded(figure.value);
  }
  boost::json::object training = {
      {"config", settings.effective},          {"seed", settings.train.seed},
      {"iterations", last.iteration},          {"labels", last.total_labels},
      {"seconds", std::round(last.elapsed_s)}, {"figures", std::move(figures)}};
  training.insert(origin.begin(), origin.end());
  return {.name = settings.name,
          .problem = settings.problem_name,
          .features = settings.problem.features,
          .network = network,
          .training = std::move(training),
          .card = {}};
}

}  // namespace skerry::rl
