// nvml.h: NVIDIA's GPUs: load, memory, energy. The library is opened at run time; without it there
// are no GPUs.
//
// Not thread-safe. A GPU that stops answering counts as idle and unchanged.

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace skerry::agent {

class Nvml {
 public:
  // nullptr if there is no library, no driver, or no GPU.
  static std::unique_ptr<Nvml> open();
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  struct Sample {
    double busiest_fraction = 0;
    std::uint64_t memory_used_bytes = 0;
    std::uint64_t memory_total_bytes = 0;
    double power_w = 0;
    double hottest_c = 0;
  };
  std::size_t count() const { return devices_.size(); }
  Sample sample() const;
  bool measures_energy() const;
  double total_j() const;  // since the driver was loaded, of all GPUs

 private:
  struct Library;
  explicit Nvml(std::unique_ptr<Library> library);

  std::unique_ptr<Library> library_;
  std::vector<void*> devices_;
};

}  // namespace skerry::agent
