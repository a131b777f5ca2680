// torch_device.h: where libtorch runs and with how many threads.
//
// Only for torch_model.cc.

#pragma once

#include <ATen/core/ivalue.h>
// ivalue.h comes first: Clang wants its templates complete before the rest of libtorch uses them.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "common/error.h"

namespace skerry::runner {

inline Result<at::Device> choose_device(std::string_view wanted) {
  const auto count = at::globalContext().hasCUDA() ? static_cast<int>(at::getNumGPUs()) : 0;
  if (wanted == "cpu" || (wanted == "auto" && count == 0)) {
    return at::Device(at::kCPU);
  }
  int index = 0;
  if (wanted.starts_with("cuda:")) {
    const auto digits = wanted.substr(5);
    const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (wrong != std::errc() || end != digits.data() + digits.size()) {
      index = -1;
    }
  } else if (wanted != "auto" && wanted != "cuda") {
    index = -1;
  }
  if (index < 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no device; there are auto, cpu, cuda and cuda:N", wanted));
  }
  if (index >= count) {
    return fail(
        ErrorCode::kUnsupported,
        fmt::format("device '{}' is not here: this runner sees {} CUDA devices", wanted, count));
  }
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

// Thread pools are sized by the environment where their library reads it (backend.cc), and told
// again here. OpenBLAS is asked for by name, since libtorch does not pass its own number on to it.
inline void set_threads(int threads) {
  at::set_num_threads(threads);
  if (at::get_num_interop_threads() != 1) {
    at::set_num_interop_threads(
        1);  // throws once the pool is in use; a retried load comes here with 1
  }
  if (void* symbol = dlsym(RTLD_DEFAULT, "openblas_set_num_threads"); symbol != nullptr) {
    reinterpret_cast<void (*)(int)>(symbol)(threads);
  }
}

}  // namespace skerry::runner
