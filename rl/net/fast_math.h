// fast_math.h: logarithms to about four digits, for features and random links, where a thousandth
// does not matter and a call of the library would dominate. Inline, so that loops over them become
// vector code.

#pragma once

#include <bit>
#include <cstdint>

namespace skerry::rl {

// log2 of a positive, normal float: the exponent, and a polynomial of the mantissa that is exact at
// both of its ends (a minimax fit), so that logarithms of numbers below 1 are never above 0. Error
// below 2e-5.
inline float fast_log2(float x) {
  const auto bits = __builtin_bit_cast(std::uint32_t, x);
  const auto exponent = static_cast<float>(static_cast<std::int32_t>(bits >> 23) - 127);
  const float t = __builtin_bit_cast(float, (bits & 0x007fffffu) | 0x3f800000u) - 1;
  const float high = 0.4156059f + t * (-0.19357553f + t * 0.045148978f);
  return exponent + t * (1.4419170f + t * (-0.7090964f + t * high));
}

// log(1 + x) of x >= 0.
inline float fast_log1p(float x) {
  constexpr float kLn2 = 0.69314718f;
  return kLn2 * fast_log2(1 + x);
}

}  // namespace skerry::rl
