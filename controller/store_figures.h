// store_figures.h: the space that the store has left, for metrics.

#pragma once

#include <vector>

#include "controller/metrics/metrics.h"
#include "controller/store/store.h"

namespace skerry::controller {

std::vector<metrics::Figure> store_figures(const store::Store& store);

}  // namespace skerry::controller
