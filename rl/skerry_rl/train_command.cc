#include "rl/skerry_rl/train_command.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <filesystem>

#include "rl/skerry_rl/files.h"
#include "rl/skerry_rl/methods.h"
#include "rl/skerry_rl/run_bundle.h"
#include "rl/train/run_files.h"

namespace skerry::rl {

namespace {

std::string clock_text(double seconds) {
  const auto s = std::lround(seconds);
  return s < 3600 ? fmt::format("{}m{:02}s", s / 60, s % 60)
                  : fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
}

// 1234567 -> "1.2M"
std::string short_number(double value) {
  if (value >= 1e6) {
    return fmt::format("{:.1f}M", value / 1e6);
  }
  return value >= 1e4 ? fmt::format("{:.0f}k", value / 1e3) : fmt::format("{:.0f}", value);
}

std::string rate_of(const TrainProgress& progress) {
  const double seconds = progress.collect_s > 0 ? progress.collect_s : 1;
  return progress.steps > 0
             ? short_number(static_cast<double>(progress.steps) / seconds) + " steps/s"
             : short_number(static_cast<double>(progress.labels) / seconds) + " labels/s";
}

void print_progress(const TrainProgress& progress, std::size_t iterations) {
  fmt::print(
      "iteration {}/{}  {} labels  {}  loss {:.5f}  collect {:.1f}s learn {:.1f}s  after {}  left "
      "{}\n",
      progress.iteration, iterations, short_number(static_cast<double>(progress.labels)),
      rate_of(progress), progress.loss, progress.collect_s, progress.learn_s,
      clock_text(progress.elapsed_s), clock_text(progress.remaining_s));
  // A line per setting: figures of one setting share the name's first part.
  std::string setting;
  for (const Figure& figure : progress.figures) {
    const std::size_t split = figure.name.rfind(' ');
    const std::string first = figure.name.substr(0, split);
    const std::string last = split == std::string::npos ? "" : figure.name.substr(split + 1);
    if (first != setting) {
      fmt::print("{}  {:<12}", setting.empty() ? "" : "\n", first);
      setting = first;
    }
    fmt::print("  {}: {:+.2f}", last, figure.value);
  }
  fmt::print("{}", progress.figures.empty() ? "" : "\n");
  std::fflush(stdout);
}

// Begins a folder, or checks that the one that is gone on with is of these settings.
Status open_folder(const TrainArguments& arguments, const TrainingSettings& settings) {
  std::error_code failed;
  std::filesystem::create_directories(arguments.out, failed);
  const std::string kept = arguments.out + "/config.yaml";
  if (!arguments.resume) {
    auto written = write_file(kept, settings.effective);
    return written ? write_origin(arguments.out, settings.learner.device) : written;
  }
  const auto before = read_file(kept);
  if (!before) {
    return fail(before.error());
  }
  if (*before != settings.effective) {
    return fail(ErrorCode::kConflict,
                fmt::format("{} holds other settings than {}; give --out another folder, or train "
                            "without --resume",
                            kept, arguments.config));
  }
  return {};
}

}  // namespace

Status train_command(const TrainArguments& arguments, Clock& clock) {
  auto settings = read_training_settings(arguments.config, arguments.settings);
  if (!settings) {
    return fail(std::move(settings).error());
  }
  if (auto opened = open_folder(arguments, *settings); !opened) {
    return opened;
  }
  if (arguments.resume) {
    const auto done = read_progress(arguments.out);
    if (done && done->iterations >= settings->train.iterations) {
      fmt::print("all {} iterations are done; {}/policy.json holds the policy\n", done->iterations,
                 arguments.out);
      return {};
    }
  }
  settings->train.threads = arguments.threads;
  settings->train.folder = arguments.out;
  settings->train.resume = arguments.resume;
  TrainProgress last;
  const std::size_t iterations = settings->train.iterations;
  const auto report = [&](const TrainProgress& progress) {
    print_progress(progress, iterations);
    last = progress;
  };
  const auto network = train_by_method(*settings, clock, report);
  if (!network) {
    return fail(network.error());
  }
  const auto origin = read_origin(arguments.out);
  if (!origin) {
    return fail(origin.error());
  }
  const Bundle bundle = bundle_of(*settings, *network, last, *origin);
  const std::string path = arguments.out + "/policy.json";
  if (auto written = write_file(path, write_bundle(bundle)); !written) {
    return written;
  }
  fmt::print("wrote {}: {} {:08x}, {} labels in {}\n", path, bundle.name, bundle_number(bundle),
             short_number(static_cast<double>(last.total_labels)), clock_text(last.elapsed_s));
  return {};
}

}  // namespace skerry::rl
