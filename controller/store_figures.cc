#include "controller/store_figures.h"

namespace skerry::controller {

std::vector<metrics::Figure> store_figures(const store::Store& store) {
  using metrics::Figure;
  using State = store::Space::State;
  const store::Space space = store.space();
  const store::Backlog behind = store.backlog();
  const auto gauge = [](const char* name, const char* help, double value) {
    return Figure{.name = name,
                  .help = help,
                  .kind = Figure::Kind::kGauge,
                  .samples = {{.labels = {}, .value = value}}};
  };
  Figure full = gauge("skerry_store_space", "1 for the state that the store's disk is in", 0);
  full.samples.clear();
  for (const auto& [name, state] :
       {std::pair("enough", State::kEnough), {"low", State::kLow}, {"none", State::kNone}}) {
    full.samples.push_back(
        {.labels = {{"state", name}}, .value = space.state == state ? 1.0 : 0.0});
  }
  return {std::move(full),
          gauge("skerry_store_free_bytes", "Free space where the store lives",
                static_cast<double>(space.free_bytes)),
          gauge("skerry_store_waiting_bytes", "Of batches that are not durable yet",
                static_cast<double>(behind.bytes))};
}

}  // namespace skerry::controller
