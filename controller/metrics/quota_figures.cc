#include "controller/metrics/quota_figures.h"

namespace skerry::metrics {

std::vector<Figure> quota_figures(const std::vector<core::QuotaView>& quotas) {
  Figure used{.name = "skerry_quota_used",
              .help = "What a namespace that the settings name has, by quota",
              .kind = Figure::Kind::kGauge,
              .samples = {}};
  Figure limit{.name = "skerry_quota_limit",
               .help = "What it may have; no value where there is no limit",
               .kind = Figure::Kind::kGauge,
               .samples = {}};
  const auto add = [](Figure& figure, const std::string& ns, const char* quota,
                      std::uint64_t value) {
    figure.samples.push_back(
        {.labels = {{"namespace", ns}, {"quota", quota}}, .value = static_cast<double>(value)});
  };
  for (const core::QuotaView& view : quotas) {
    struct Row {
      const char* quota;
      std::uint64_t used;
      std::uint64_t limit;
    };
    for (const Row& row : {Row{"open_jobs", view.open_jobs, view.quota.max_open_jobs},
                           Row{"running", view.running, view.quota.max_running},
                           Row{"input_bytes", view.input_bytes, view.quota.max_input_bytes},
                           Row{"stored_bytes", view.stored_bytes, view.quota.max_stored_bytes}}) {
      add(used, view.ns, row.quota, row.used);
      if (row.limit > 0) {
        add(limit, view.ns, row.quota, row.limit);
      }
    }
  }
  return {std::move(used), std::move(limit)};
}

}  // namespace skerry::metrics
