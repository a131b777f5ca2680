#include "rl/train/run_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

namespace skerry::rl {

Result<RunProgress> read_progress(const std::string& folder) {
  RunProgress done;
  if (!(std::ifstream(folder + "/progress") >> done.iterations >> done.labels >> done.seconds)) {
    return fail(ErrorCode::kNotFound, fmt::format("there is no checkpoint in {}", folder));
  }
  return done;
}

std::string RunFiles::path(std::string_view name) const {
  return fmt::format("{}/{}", folder_, name);
}

Status RunFiles::open(const std::vector<std::string>& figures) {
  if (folder_.empty()) {
    return {};
  }
  std::error_code failed;
  std::filesystem::create_directories(folder_, failed);
  curves_.open(path("curves.csv"), resume_ ? std::ios::app : std::ios::trunc);
  if (!curves_) {
    return fail(ErrorCode::kIo, fmt::format("cannot write {}", path("curves.csv")));
  }
  if (!resume_) {
    curves_ << fmt::format("iteration,seconds,labels,loss,{}\n", fmt::join(figures, ","));
  }
  return {};
}

Result<RunProgress> RunFiles::resume(const Transfer& load) {
  if (!resume_) {
    return RunProgress{};
  }
  auto done = read_progress(folder_);
  if (!done) {
    return fail(ErrorCode::kNotFound, done.error().message + "; train without --resume");
  }
  auto loaded = load(path("checkpoint.pt"));
  return loaded ? done : fail(std::move(loaded).error());
}

void RunFiles::add(const TrainProgress& progress) {
  if (!curves_.is_open()) {
    return;
  }
  curves_ << fmt::format("{},{:.1f},{},{:.5f}", progress.iteration, progress.elapsed_s,
                         progress.total_labels, progress.loss);
  for (const Figure& figure : progress.figures) {
    curves_ << fmt::format(",{:.4f}", figure.value);
  }
  curves_ << std::endl;
}

Status RunFiles::save(const Transfer& save, const RunProgress& done) {
  if (folder_.empty()) {
    return {};
  }
  if (auto saved = save(path("checkpoint.pt.new")); !saved) {
    return saved;
  }
  std::ofstream(path("progress.new"))
      << done.iterations << ' ' << done.labels << ' ' << done.seconds << '\n';
  std::error_code failed;
  std::filesystem::rename(path("checkpoint.pt.new"), path("checkpoint.pt"), failed);
  if (!failed) {
    std::filesystem::rename(path("progress.new"), path("progress"), failed);
  }
  return failed ? Status(fail(ErrorCode::kIo,
                              fmt::format("cannot write into {}: {}", folder_, failed.message())))
                : Status();
}

}  // namespace skerry::rl
