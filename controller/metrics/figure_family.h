// figure_family.h: a figure that somebody else counts, as Prometheus' client library has it.

#pragma once

#include <prometheus/metric_family.h>

#include "controller/metrics/metrics.h"

namespace skerry::metrics {

prometheus::MetricFamily family_of(const Figure& figure);

}  // namespace skerry::metrics
