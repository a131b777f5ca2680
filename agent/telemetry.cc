#include "agent/telemetry.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace skerry::agent {
namespace {

constexpr std::size_t kIdleColumn = 3;
constexpr std::size_t kWaitColumn = 4;
constexpr std::size_t kColumns =
    8;  // user nice system idle iowait irq softirq steal; guests are in user already

std::vector<std::string> thermal_zones(const std::string& root) {
  std::vector<std::string> files;
  std::error_code ignored;
  for (const auto& zone :
       std::filesystem::directory_iterator(root + "/sys/class/thermal", ignored)) {
    if (zone.path().filename().string().starts_with("thermal_zone")) {
      files.push_back(zone.path().string() + "/temp");
    }
  }
  for (const auto& chip : std::filesystem::directory_iterator(root + "/sys/class/hwmon", ignored)) {
    files.push_back(chip.path().string() + "/temp1_input");
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::optional<CpuTimes> parse_cpu_times(std::string_view proc_stat) {
  if (!proc_stat.starts_with("cpu ")) {
    return std::nullopt;
  }
  const char* at = proc_stat.data() + 4;
  const char* end = proc_stat.data() + std::min(proc_stat.find('\n'), proc_stat.size());
  CpuTimes times;
  for (std::size_t column = 0; column < kColumns; ++column) {
    while (at < end && *at == ' ') {
      ++at;
    }
    std::uint64_t ticks = 0;
    const auto [next, wrong] = std::from_chars(at, end, ticks);
    if (wrong != std::errc()) {
      return std::nullopt;
    }
    at = next;
    times.all += ticks;
    times.busy += column == kIdleColumn || column == kWaitColumn ? 0 : ticks;
  }
  return times;
}

std::optional<std::uint64_t> parse_meminfo_bytes(std::string_view proc_meminfo,
                                                 std::string_view key) {
  const std::string wanted = std::string(key) + ":";
  const std::size_t line = proc_meminfo.starts_with(wanted) ? 0 : proc_meminfo.find("\n" + wanted);
  if (line == std::string_view::npos) {
    return std::nullopt;
  }
  const std::size_t digits = proc_meminfo.find_first_of("0123456789", line + wanted.size());
  std::uint64_t kib = 0;
  if (digits == std::string_view::npos ||
      std::from_chars(proc_meminfo.data() + digits, proc_meminfo.data() + proc_meminfo.size(), kib)
              .ec != std::errc()) {
    return std::nullopt;
  }
  return kib * 1024;
}

MachineSensors::MachineSensors(const std::string& root, const NodePhysics& physics,
                               PowerSensors& power, const Nvml* gpus)
    : physics_(physics),
      power_(power),
      gpus_(gpus),
      stat_(root + "/proc/stat"),
      meminfo_(root + "/proc/meminfo"),
      loadavg_(root + "/proc/loadavg") {
  for (const std::string& file : thermal_zones(root)) {
    ProcFile sensor(file);
    if (sensor.number()) {
      temperatures_.push_back(std::move(sensor));
    }
  }
  last_times_ = parse_cpu_times(stat_.read()).value_or(CpuTimes{});
}

double MachineSensors::cpu_fraction() {
  const CpuTimes times = parse_cpu_times(stat_.read()).value_or(last_times_);
  const std::uint64_t all = times.all - std::min(last_times_.all, times.all);
  const std::uint64_t busy = times.busy - std::min(last_times_.busy, times.busy);
  last_times_ = times;
  return all == 0 ? 0 : std::min(static_cast<double>(busy) / static_cast<double>(all), 1.0);
}

double MachineSensors::temperature_c() {
  double hottest = 0;
  for (ProcFile& sensor : temperatures_) {
    hottest = std::max(hottest, static_cast<double>(sensor.number().value_or(0)) * 1e-3);
  }
  return hottest;
}

Telemetry MachineSensors::sample(Instant now) {
  Telemetry telemetry{.cpu_fraction = cpu_fraction(),
                      .bandwidth_bytes_per_s = bandwidth_bytes_per_s_};
  const std::string_view memory = meminfo_.read();
  telemetry.memory_total_bytes = parse_meminfo_bytes(memory, "MemTotal").value_or(0);
  const std::uint64_t available = parse_meminfo_bytes(memory, "MemAvailable").value_or(0);
  telemetry.memory_used_bytes =
      telemetry.memory_total_bytes - std::min(available, telemetry.memory_total_bytes);
  const std::string_view load = loadavg_.read();
  std::from_chars(load.data(), load.data() + load.size(), telemetry.load_1m);
  telemetry.temperature_c = temperature_c();
  if (gpus_ != nullptr) {
    const Nvml::Sample gpu = gpus_->sample();
    telemetry.gpu_fraction = gpu.busiest_fraction;
    telemetry.gpu_memory_used_bytes = gpu.memory_used_bytes;
    telemetry.gpu_memory_total_bytes = gpu.memory_total_bytes;
    telemetry.temperature_c = std::max(telemetry.temperature_c, gpu.hottest_c);
  }
  telemetry.power_w = modelled_power_w(physics_, telemetry.cpu_fraction * physics_.slots);
  telemetry.power_source = "modelled";
  if (const auto watts = power_.mean_w(now)) {
    telemetry.power_w = *watts;
    telemetry.power_source = power_.source();
  }
  return telemetry;
}

}  // namespace skerry::agent
