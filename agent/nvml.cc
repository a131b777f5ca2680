#include "agent/nvml.h"

#include <dlfcn.h>

#include <algorithm>

namespace skerry::agent {
namespace {

// The few declarations of NVML's public interface that are used here; it is stable since version 2
// of its init call. https://docs.nvidia.com/deploy/nvml-api
struct Utilization {
  unsigned int gpu;
  unsigned int memory;
};
struct Memory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};
constexpr int kSuccess = 0;
constexpr int kTemperatureGpu = 0;

}  // namespace

struct Nvml::Library {
  void* handle = nullptr;
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*device_count)(unsigned int*) = nullptr;
  int (*device)(unsigned int, void**) = nullptr;
  int (*utilization)(void*, Utilization*) = nullptr;
  int (*memory)(void*, Memory*) = nullptr;
  int (*power_mw)(void*, unsigned int*) = nullptr;
  int (*temperature)(void*, int, unsigned int*) = nullptr;
  int (*energy_mj)(void*, unsigned long long*) = nullptr;
  bool started = false;

  ~Library() {
    if (started) {
      shutdown();
    }
    if (handle != nullptr) {
      ::dlclose(handle);
    }
  }

  template <typename Function>
  bool find(const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(handle, name));
    return function != nullptr;
  }

  bool load() {
    handle = ::dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    return handle != nullptr && find("nvmlInit_v2", init) && find("nvmlShutdown", shutdown) &&
           find("nvmlDeviceGetCount_v2", device_count) &&
           find("nvmlDeviceGetHandleByIndex_v2", device) &&
           find("nvmlDeviceGetUtilizationRates", utilization) &&
           find("nvmlDeviceGetMemoryInfo", memory) && find("nvmlDeviceGetPowerUsage", power_mw) &&
           find("nvmlDeviceGetTemperature", temperature) &&
           find("nvmlDeviceGetTotalEnergyConsumption", energy_mj);
  }
};

std::unique_ptr<Nvml> Nvml::open() {
  auto library = std::make_unique<Library>();
  if (!library->load() || library->init() != kSuccess) {
    return nullptr;
  }
  library->started = true;
  std::unique_ptr<Nvml> nvml(new Nvml(std::move(library)));
  return nvml->devices_.empty() ? nullptr : std::move(nvml);
}

Nvml::Nvml(std::unique_ptr<Library> library) : library_(std::move(library)) {
  unsigned int count = 0;
  if (library_->device_count(&count) != kSuccess) {
    return;
  }
  for (unsigned int i = 0; i < count; ++i) {
    void* device = nullptr;
    if (library_->device(i, &device) == kSuccess) {
      devices_.push_back(device);
    }
  }
}

Nvml::~Nvml() = default;

Nvml::Sample Nvml::sample() const {
  Sample all;
  for (void* device : devices_) {
    Utilization load = {};
    Memory memory = {};
    unsigned int power_mw = 0;
    unsigned int temperature_c = 0;
    if (library_->utilization(device, &load) == kSuccess) {
      all.busiest_fraction = std::max(all.busiest_fraction, load.gpu / 100.0);
    }
    if (library_->memory(device, &memory) == kSuccess) {
      all.memory_used_bytes += memory.used;
      all.memory_total_bytes += memory.total;
    }
    if (library_->power_mw(device, &power_mw) == kSuccess) {
      all.power_w += power_mw * 1e-3;
    }
    if (library_->temperature(device, kTemperatureGpu, &temperature_c) == kSuccess) {
      all.hottest_c = std::max(all.hottest_c, static_cast<double>(temperature_c));
    }
  }
  return all;
}

bool Nvml::measures_energy() const {
  return std::ranges::all_of(devices_, [&](void* device) {
    unsigned long long energy_mj = 0;
    return library_->energy_mj(device, &energy_mj) == kSuccess;
  });
}

double Nvml::total_j() const {
  double all_j = 0;
  for (void* device : devices_) {
    unsigned long long energy_mj = 0;
    all_j += library_->energy_mj(device, &energy_mj) == kSuccess
                 ? static_cast<double>(energy_mj) * 1e-3
                 : 0;
  }
  return all_j;
}

}  // namespace skerry::agent
