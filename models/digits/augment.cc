#include "models/digits/augment.h"

#include <cmath>

namespace skerry::digits {

namespace {

constexpr double kMaxTurn = 0.22;  // radians, about 13 degrees
constexpr double kMaxShear = 0.18;
constexpr double kMaxScale = 0.12;  // of the logarithm
constexpr double kMaxShift = 1.6;   // pixels

float pixel(const Digit& digit, int x, int y) {
  const bool inside = x >= 0 && x < kSide && y >= 0 && y < kSide;
  return inside ? static_cast<float>(digit.pixels[static_cast<std::size_t>(y * kSide + x)]) / 255.0f
                : 0.0f;
}

float sample(const Digit& digit, double x, double y) {
  const int left = static_cast<int>(std::floor(x));
  const int top = static_cast<int>(std::floor(y));
  const auto across = static_cast<float>(x - left);
  const auto down = static_cast<float>(y - top);
  const float upper = pixel(digit, left, top) * (1 - across) + pixel(digit, left + 1, top) * across;
  const float lower =
      pixel(digit, left, top + 1) * (1 - across) + pixel(digit, left + 1, top + 1) * across;
  return upper * (1 - down) + lower * down;
}

}  // namespace

void augment(const Digit& digit, Random& random, float* to) {
  const double turn = random.uniform(-kMaxTurn, kMaxTurn);
  const double shear = random.uniform(-kMaxShear, kMaxShear);
  const double scale_x = std::exp(random.uniform(-kMaxScale, kMaxScale));
  const double scale_y = std::exp(random.uniform(-kMaxScale, kMaxScale));
  const double shift_x = random.uniform(-kMaxShift, kMaxShift);
  const double shift_y = random.uniform(-kMaxShift, kMaxShift);
  constexpr double kCentre = (kSide - 1) / 2.0;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const double dx = (x - kCentre - shift_x) * scale_x;
      const double dy = (y - kCentre - shift_y) * scale_y;
      const double from_x = std::cos(turn) * dx + (shear - std::sin(turn)) * dy + kCentre;
      const double from_y = std::sin(turn) * dx + std::cos(turn) * dy + kCentre;
      *to++ = sample(digit, from_x, from_y);
    }
  }
}

void plain(const Digit& digit, float* to) {
  for (const std::uint8_t value : digit.pixels) {
    *to++ = static_cast<float>(value) / 255.0f;
  }
}

}  // namespace skerry::digits
