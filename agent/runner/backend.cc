#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "agent/runner/model.h"

namespace skerry::runner {

namespace {

constexpr const char* kLibrary = "skerry-runner-torch.so";

// The library lies beside the program in a build, and in ../lib/skerry when installed.
std::string find_library() {
  std::error_code failed;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path();
  const auto beside = folder / kLibrary;
  const auto installed = folder / ".." / "lib" / "skerry" / kLibrary;
  const auto found = std::filesystem::canonical(
      std::filesystem::exists(beside, failed) ? beside : installed, failed);
  return failed ? beside : found;
}

// BLAS and OpenMP read these once, when they are loaded.
void limit_threads(std::uint32_t threads) {
  const std::string count = std::to_string(threads);
  for (const char* variable : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}) {
    setenv(variable, count.c_str(), 1);
  }
}

}  // namespace

const std::string& torch_library() {
  static const std::string path = find_library();
  return path;
}

ModelResult load_model(const Load& load, const ModelManifest& manifest,
                       inspect::CheckedModel& checked) {
  limit_threads(load.threads);
  const std::string& path = torch_library();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("the runner cannot open {}: {}", path, dlerror()));
  }
  const auto loader = reinterpret_cast<TorchLoader>(dlsym(library, kTorchLoader));
  if (loader == nullptr) {
    return fail(ErrorCode::kUnsupported, fmt::format("{} has no {}", path, kTorchLoader));
  }
  ModelResult result;
  loader(load, manifest, checked, result);
  return result;
}

}  // namespace skerry::runner
