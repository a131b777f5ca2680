#include "common/random.h"

#include <cmath>
#include <numbers>

#include "common/check.h"

namespace skerry {

namespace {

std::uint64_t splitmix(std::uint64_t& x) {
  std::uint64_t z = (x += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(std::uint64_t seed) {
  for (auto& word : state_) {
    word = splitmix(seed);
  }
}

double Random::uniform(double low, double high) { return low + (high - low) * uniform(); }

std::uint64_t Random::below(std::uint64_t bound) {
  check(bound > 0, "Random::below needs a positive bound");
  const std::uint64_t reject_under = (0 - bound) % bound;  // 2^64 mod bound
  for (;;) {
    const std::uint64_t draw = next_u64();
    if (draw >= reject_under) {
      return draw % bound;
    }
  }
}

bool Random::chance(double probability) { return uniform() < probability; }

double Random::exponential(double mean) { return -mean * std::log1p(-uniform()); }

double Random::normal(double mean, double deviation) {
  const double radius = std::sqrt(-2.0 * std::log1p(-uniform()));
  return mean + deviation * radius * std::cos(2.0 * std::numbers::pi * uniform());
}

Random Random::fork(std::string_view purpose) const {
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a of the purpose
  for (const char c : purpose) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return Random(state_[0] ^ std::rotl(state_[2], 32) ^ hash);
}

}  // namespace skerry
