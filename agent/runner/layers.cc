#include "agent/runner/layers.h"

#include <fmt/format.h>

#include <algorithm>

namespace skerry::runner {

std::string_view to_string(Layer layer) {
  switch (layer) {
    case Layer::kUser:
      return "user";
    case Layer::kMount:
      return "mount";
    case Layer::kPid:
      return "pid";
    case Layer::kNetwork:
      return "network";
    case Layer::kIpc:
      return "ipc";
    case Layer::kSeccomp:
      return "seccomp";
    case Layer::kLandlock:
      return "landlock";
    case Layer::kLimits:
      return "limits";
    case Layer::kCgroup:
      return "cgroup";
  }
  return "unknown";
}

std::optional<Layer> layer_named(std::string_view name) {
  const auto found = std::ranges::find(kLayers, name, [](Layer layer) { return to_string(layer); });
  return found == kLayers.end() ? std::nullopt : std::optional(*found);
}

std::string to_string(const Layers& layers) {
  std::string names;
  for (const Layer layer : layers) {
    names += names.empty() ? "" : ",";
    names += to_string(layer);
  }
  return names.empty() ? "none" : names;
}

std::optional<Layers> layers_named(std::string_view names) {
  Layers layers;
  while (!names.empty() && names != "none") {
    const std::size_t comma = names.find(',');
    const auto layer = layer_named(names.substr(0, comma));
    if (!layer) {
      return std::nullopt;
    }
    layers.insert(*layer);
    names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
  }
  return layers;
}

std::string to_string(const std::vector<LayerState>& states) {
  std::string text;
  for (const LayerState& state : states) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", to_string(state.layer),
                        state.missing.empty() ? "yes" : fmt::format("no ({})", state.missing));
  }
  return text;
}

}  // namespace skerry::runner
