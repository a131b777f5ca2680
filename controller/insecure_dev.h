// insecure_dev.h: what Prometheus is told about the setting insecure_dev, so that nobody forgets it.

#pragma once

#include "controller/metrics/metrics.h"

namespace skerry::controller {

metrics::Figure insecure_dev_figure(bool on);

}  // namespace skerry::controller
