#include "rl/net/columns.h"

#include "rl/net/all_levels.h"
#include "rl/net/fast_math.h"

namespace skerry::rl {

namespace {

// Inline in each level's clone; a call of the library would keep the loop scalar.
SKERRY_ALL_LEVELS void log1p_of(float* x, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    x[i] = fast_log1p(x[i] > 0 ? x[i] : 0);
  }
}

SKERRY_ALL_LEVELS void log_of(float* x, std::size_t count) {
  constexpr float kLn2 = 0.69314718f;
  constexpr float kLeast = 0.006737947f;  // exp(-5)
  constexpr float kMost = 148.41316f;     // exp(5)
  for (std::size_t i = 0; i < count; ++i) {
    const float low = x[i] > kLeast ? x[i] : kLeast;
    x[i] = kLn2 * fast_log2(low < kMost ? low : kMost);
  }
}

}  // namespace

void log1p_all(std::span<float> column) { log1p_of(column.data(), column.size()); }
void log_all(std::span<float> column) { log_of(column.data(), column.size()); }

}  // namespace skerry::rl
