#include "agent/power.h"

#include <algorithm>
#include <filesystem>

namespace skerry::agent {
namespace {

// Directories below `parent`, in order of their names; none if it is not there.
std::vector<std::string> children(const std::string& parent) {
  std::vector<std::string> paths;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(parent, ignored)) {
    paths.push_back(entry.path().string());
  }
  std::ranges::sort(paths);
  return paths;
}

}  // namespace

PowerSensors::PowerSensors(const std::string& sysfs, const Nvml* gpus, bool use_sensors)
    : gpus_(use_sensors && gpus != nullptr && gpus->measures_energy() ? gpus : nullptr) {
  if (use_sensors) {
    find_rapl(sysfs);
    find_hwmon(sysfs);
  }
  source_ = gpus_ != nullptr  ? "nvml"
            : !rapl_.empty()  ? "rapl"
            : !hwmon_.empty() ? "hwmon"
                              : "modelled";
}

// Packages are named intel-rapl:0; what has a second colon is a part of one.
void PowerSensors::find_rapl(const std::string& sysfs) {
  for (const std::string& path : children(sysfs + "/class/powercap")) {
    const std::string name = std::filesystem::path(path).filename().string();
    if (!name.starts_with("intel-rapl:") || std::ranges::count(name, ':') != 1) {
      continue;
    }
    ProcFile range(path + "/max_energy_range_uj");
    Counter counter{.file = ProcFile(path + "/energy_uj"), .range_uj = range.number().value_or(0)};
    if (const auto now_uj = counter.file.number()) {
      counter.last_uj = *now_uj;
      rapl_.push_back(std::move(counter));
    }
  }
}

void PowerSensors::find_hwmon(const std::string& sysfs) {
  if (!rapl_.empty()) {
    return;
  }
  for (const std::string& path : children(sysfs + "/class/hwmon")) {
    for (const char* name : {"/power1_average", "/power1_input"}) {
      ProcFile file(path + name);
      if (file.number()) {
        hwmon_.push_back(std::move(file));
        break;
      }
    }
  }
}

double PowerSensors::rapl_j() {
  double all_j = 0;
  for (Counter& counter : rapl_) {
    const std::int64_t now_uj = counter.file.number().value_or(counter.last_uj);
    const std::int64_t wrapped = now_uj < counter.last_uj ? counter.range_uj : 0;
    counter.total_j += static_cast<double>(now_uj - counter.last_uj + wrapped) * 1e-6;
    counter.last_uj = now_uj;
    all_j += counter.total_j;
  }
  return all_j;
}

double PowerSensors::hwmon_j(Instant now) {
  double watts = 0;
  for (ProcFile& sensor : hwmon_) {
    watts += static_cast<double>(sensor.number().value_or(0)) * 1e-6;
  }
  if (hwmon_last_ != Instant{}) {
    hwmon_total_j_ += watts * to_seconds(now - hwmon_last_);
  }
  hwmon_last_ = now;
  return hwmon_total_j_;
}

std::optional<double> PowerSensors::total_j(Instant now) {
  if (source_ == "modelled") {
    return std::nullopt;
  }
  const double gpu_j = gpus_ != nullptr ? gpus_->total_j() : 0;
  return gpu_j + (hwmon_.empty() ? rapl_j() : hwmon_j(now));
}

std::optional<double> PowerSensors::mean_w(Instant now) {
  const auto total = total_j(now);
  if (!total) {
    return std::nullopt;
  }
  const bool known = mean_since_ != Instant{} && now > mean_since_;
  const double watts = known ? (*total - mean_from_j_) / to_seconds(now - mean_since_) : 0;
  mean_since_ = now;
  mean_from_j_ = *total;
  return known ? std::optional(watts) : std::nullopt;
}

}  // namespace skerry::agent
