// quota_figures.h: the quotas of namespaces that the settings name, as metrics, read at a scrape. So
// the labels are bounded by the settings.

#pragma once

#include <vector>

#include "controller/metrics/metrics.h"

namespace skerry::metrics {

std::vector<Figure> quota_figures(const std::vector<core::QuotaView>& quotas);

}  // namespace skerry::metrics
