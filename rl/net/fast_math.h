// fast_math.h: logarithms to about four digits, for features and random links, where a thousandth
// does not matter and a call of the library would dominate. Inline, so that loops over them become
// vector code.

#pragma once

#include <bit>
#include <cstdint>

namespace skerry::rl {

// log2 of a positive, normal float: the exponent, and a polynomial of the mantissa (a least-squares
// fit on [1, 2)). Error below 1e-4.
inline float fast_log2(float x) {
  const auto bits = __builtin_bit_cast(std::uint32_t, x);
  const auto exponent = static_cast<float>(static_cast<std::int32_t>(bits >> 23) - 127);
  const float m = __builtin_bit_cast(float, (bits & 0x007fffffu) | 0x3f800000u);
  const float high = 1.5939090f + m * (-0.40486762f + m * 0.04336908f);
  return exponent + (-2.7868073f + m * (5.0468759f + m * (-3.4924805f + m * high)));
}

// log(1 + x) of x >= 0.
inline float fast_log1p(float x) {
  constexpr float kLn2 = 0.69314718f;
  return kLn2 * fast_log2(1 + x);
}

}  // namespace skerry::rl
