// columns.h: functions over whole columns of features, in vector code of the processor at hand.

#pragma once

#include <span>

namespace skerry::rl {

// x becomes log(1 + x), of x >= 0; what is below counts as 0. Exact to about 1e-4.
void log1p_all(std::span<float> column);

// x becomes log(x) within [-5, 5], of x > 0.
void log_all(std::span<float> column);

}  // namespace skerry::rl
