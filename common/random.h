// random.h: a small deterministic generator and the few distributions we need, the same on every platform and library.
//
// std::*_distribution differs between standard libraries, so seeds would not replay; these do. One stream per purpose:
// derive it with Random(seed).fork("retries"). Generator: xoshiro256++ seeded by splitmix64 (Blackman and Vigna,
// https://prng.di.unimi.it). Not for secrets; those come from the operating system (common/digest.h).

#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace skerry {

class Random {
 public:
  explicit Random(std::uint64_t seed);

  std::uint64_t next_u64() {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  // [0, 1)
  double uniform() { return static_cast<double>(next_u64() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high);       // [low, high)
  std::uint64_t below(std::uint64_t bound);      // [0, bound); bound > 0; unbiased
  bool chance(double probability);               // true with this probability
  double exponential(double mean);               // > 0
  double normal(double mean, double deviation);  // Box-Muller, one draw per call

  // An independent stream for a named purpose; does not advance this one.
  [[nodiscard]] Random fork(std::string_view purpose) const;

 private:
  std::uint64_t state_[4];
};

}  // namespace skerry
