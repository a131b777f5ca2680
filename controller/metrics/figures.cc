#include "controller/metrics/figures.h"

#include <utility>

namespace skerry::metrics {

prometheus::MetricFamily family_of(const Figure& figure) {
  const bool counter = figure.kind == Figure::Kind::kCounter;
  prometheus::MetricFamily family{
      .name = figure.name,
      .help = figure.help,
      .type = counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge,
      .metric = {}};
  for (const Figure::Sample& sample : figure.samples) {
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : sample.labels) {
      metric.label.push_back({name, value});
    }
    (counter ? metric.counter.value : metric.gauge.value) = sample.value;
    family.metric.push_back(std::move(metric));
  }
  return family;
}

}  // namespace skerry::metrics
