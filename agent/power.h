// power.h: the node's joules as its sensors tell: RAPL counters, power sensors of hwmon (INA, board
// management), GPUs.
//
// Sources: RAPL packages if they can be read (root, on most kernels), else hwmon's power sensors,
// integrated over time; the GPUs' counters are added. "nvml" is said when GPUs are part of it,
// since they are what differs most. Nothing found, or sensors switched off: "modelled".

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/energy.h"
#include "agent/nvml.h"
#include "agent/proc_file.h"

namespace skerry::agent {

class PowerSensors final : public EnergyMeter {
 public:
  // sysfs: "/sys", or a directory made alike in tests. gpus may be nullptr. use_sensors = false:
  // all is modelled.
  PowerSensors(const std::string& sysfs, const Nvml* gpus, bool use_sensors);

  std::string source() const override { return source_; }
  std::optional<double> total_j(Instant now) override;
  // Mean power between this call and the one before; nullopt without sensors or history.
  std::optional<double> mean_w(Instant now);

 private:
  struct Counter {  // of a RAPL package
    ProcFile file;
    std::int64_t range_uj = 0;
    std::int64_t last_uj = 0;
    double total_j = 0;
  };
  void find_rapl(const std::string& sysfs);
  void find_hwmon(const std::string& sysfs);
  double rapl_j();
  double hwmon_j(Instant now);

  std::vector<Counter> rapl_;
  std::vector<ProcFile> hwmon_;  // microwatts
  Instant hwmon_last_;
  double hwmon_total_j_ = 0;
  const Nvml* gpus_;
  std::string source_ = "modelled";
  Instant mean_since_;
  double mean_from_j_ = 0;
};

}  // namespace skerry::agent
