// figures.h: what others count, as a family that Prometheus is told.

#pragma once

#include <prometheus/metric_family.h>

#include "controller/metrics/metrics.h"

namespace skerry::metrics {

prometheus::MetricFamily family_of(const Figure& figure);

}  // namespace skerry::metrics
