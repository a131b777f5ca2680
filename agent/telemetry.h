// telemetry.h: what the machine's sensors say, once a second: processor, memory, load, temperature,
// power, GPUs.
//
// Cheap: files stay open and are read again. What the kernel does not offer stays 0. Without a
// power sensor the power is modelled from the processor's load; power_source says so.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/agent.h"
#include "agent/nvml.h"
#include "agent/power.h"
#include "agent/proc_file.h"

namespace skerry::agent {

// The parsers, apart for tests.
struct CpuTimes {
  std::uint64_t busy = 0;
  std::uint64_t all = 0;
};
std::optional<CpuTimes> parse_cpu_times(std::string_view proc_stat);
std::optional<std::uint64_t> parse_meminfo_bytes(std::string_view proc_meminfo,
                                                 std::string_view key);

class MachineSensors final : public Sensors {
 public:
  // root: "" for this machine, or a directory with proc/ and sys/ in tests. power and gpus outlive
  // the object.
  MachineSensors(const std::string& root, const NodePhysics& physics, PowerSensors& power,
                 const Nvml* gpus);

  Telemetry sample(Instant now) override;
  void bandwidth_measured(double bytes_per_s) { bandwidth_bytes_per_s_ = bytes_per_s; }

 private:
  double cpu_fraction();
  double temperature_c();

  NodePhysics physics_;
  PowerSensors& power_;
  const Nvml* gpus_;
  ProcFile stat_;
  ProcFile meminfo_;
  ProcFile loadavg_;
  std::vector<ProcFile> temperatures_;  // thousandths of a degree
  CpuTimes last_times_;
  double bandwidth_bytes_per_s_ = 0;
};

}  // namespace skerry::agent
