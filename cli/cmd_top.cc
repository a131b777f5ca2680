// top nodes: what the nodes are doing, again and again.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <thread>

#include "cli/commands.h"
#include "cli/json_read.h"
#include "cli/listings.h"
#include "cli/units.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

struct TopFlags {
  bool once = false;
  std::optional<Duration> every;
  std::string sort = "name";
};

struct Load {
  double cpu = 0;
  double memory = 0;
  double power_w = 0;
  double held = 0;
};

Load load_of(const json::value& node) {
  return {.cpu = number_at(node, "telemetry/cpu_fraction").value_or(0),
          .memory = number_at(node, "telemetry/memory_used_bytes").value_or(0),
          .power_w = number_at(node, "telemetry/power_w").value_or(0),
          .held = number_at(node, "outstanding").value_or(0)};
}

double figure_of(const json::value& node, std::string_view by) {
  const Load load = load_of(node);
  const std::array<std::pair<std::string_view, double>, 4> figures = {
      {{"cpu", load.cpu}, {"memory", load.memory}, {"power", load.power_w}, {"busy", load.held}}};
  const auto* found =
      std::ranges::find(figures, by, [](const auto& figure) { return figure.first; });
  return found == figures.end() ? 0 : found->second;
}

// Busiest first by the chosen figure; names break ties.
std::vector<const json::value*> sorted(const json::array& nodes, std::string_view by) {
  std::vector<const json::value*> order;
  for (const auto& node : nodes) {
    order.push_back(&node);
  }
  std::ranges::sort(order, {}, [&](const json::value* node) {
    return std::pair(-figure_of(*node, by), text_at(*node, "name"));
  });
  return order;
}

Tone tone_of_fraction(double fraction) {
  return fraction >= 0.9 ? Tone::kBad : fraction >= 0.6 ? Tone::kBusy : Tone::kPlain;
}

void add_row(Table& table, const json::value& node) {
  const Load load = load_of(node);
  const double total = number_at(node, "telemetry/memory_total_bytes").value_or(0);
  const double gpu = number_at(node, "telemetry/gpu_fraction").value_or(0);
  const double gpu_memory = number_at(node, "telemetry/gpu_memory_used_bytes").value_or(0);
  const double gpu_total = number_at(node, "telemetry/gpu_memory_total_bytes").value_or(0);
  const std::string state = text_at(node, "state");
  // A node that is not connected shows its last figures only as gone.
  const bool live = true_at(node, "connected");
  const auto shown = [&](std::string text, Tone tone = Tone::kPlain) {
    return live ? Cell(std::move(text), tone) : Cell();
  };
  table.add({text_at(node, "name"), Cell(state, tone_of_state(state)),
             shown(fmt::format("{:.0f} %", 100 * load.cpu), tone_of_fraction(load.cpu)),
             shown(human_bytes(load.memory)),
             shown(total > 0 ? fmt::format("{:.0f} %", 100 * load.memory / total) : "",
                   tone_of_fraction(total > 0 ? load.memory / total : 0)),
             shown(text_at(node, "telemetry/running")), shown(text_at(node, "telemetry/queued")),
             shown(fmt::format("{}/{}", text_at(node, "outstanding"), text_at(node, "capacity"))),
             shown(fmt::format("{:.1f} W", load.power_w)),
             shown(text_at(node, "telemetry/power_source")),
             shown(number_at(node, "telemetry/temperature_c").value_or(0) > 0
                       ? fmt::format("{:.0f} C", *number_at(node, "telemetry/temperature_c"))
                       : ""),
             shown(gpu_total > 0 ? fmt::format("{:.0f} %", 100 * gpu) : "", tone_of_fraction(gpu)),
             shown(gpu_total > 0 ? fmt::format("{:.0f} %", 100 * gpu_memory / gpu_total) : "",
                   tone_of_fraction(gpu_total > 0 ? gpu_memory / gpu_total : 0)),
             shown(text_at(node, "telemetry/spooled")),
             std::to_string(items_at(node, "resident").size())});
}

Table top_table() {
  return Table({{.title = "NAME"},
                {.title = "STATE"},
                {.title = "CPU", .align = Align::kRight},
                {.title = "MEMORY", .align = Align::kRight},
                {.title = "MEM", .align = Align::kRight},
                {.title = "RUNNING", .align = Align::kRight},
                {.title = "QUEUED", .align = Align::kRight},
                {.title = "HELD", .align = Align::kRight},
                {.title = "POWER", .align = Align::kRight},
                {.title = "SOURCE"},
                {.title = "TEMP", .align = Align::kRight, .wide = true},
                {.title = "GPU", .align = Align::kRight, .wide = true},
                {.title = "GPU MEM", .align = Align::kRight, .wide = true},
                {.title = "SPOOLED", .align = Align::kRight, .wide = true},
                {.title = "LOADED", .align = Align::kRight, .wide = true}});
}

// One screen: a line of totals, then the nodes.
std::string screen(const Context& context, const json::array& nodes, const TopFlags& flags) {
  Table table = top_table();
  double watts = 0;
  double running = 0;
  std::size_t ready = 0;
  for (const json::value* node : sorted(nodes, flags.sort)) {
    add_row(table, *node);
    ready += text_at(*node, "state") == "READY" ? 1 : 0;
    if (true_at(*node, "connected")) {
      watts += load_of(*node).power_w;
      running += number_at(*node, "telemetry/running").value_or(0);
    }
  }
  return fmt::format("{} nodes, {} ready, {:.0f} running, {:.1f} W\n\n{}", nodes.size(), ready,
                     running, watts,
                     table.render(context.settings.wide(), context.settings.colour));
}

Result<ExitCode> top_nodes(Context& context, const TopFlags& flags) {
  constexpr std::string_view kHomeAndClear = "\x1b[H\x1b[2J";
  const bool again = context.settings.interactive && context.settings.for_people() && !flags.once;
  while (true) {
    auto answer = context.api.get("/nodes");
    if (!answer) {
      return fail(std::move(answer).error());
    }
    if (!context.settings.for_people()) {
      std::vector<std::string> names;
      for (const auto& node : items_at(*answer, "items")) {
        names.push_back("node/" + text_at(node, "name"));
      }
      show(context.settings, *answer, names);
      return ExitCode::kOk;
    }
    print(fmt::format("{}{}", again ? kHomeAndClear : "",
                      screen(context, items_at(*answer, "items"), flags)));
    if (!again) {
      return ExitCode::kOk;
    }
    std::fflush(stdout);
    std::this_thread::sleep_for(flags.every.value_or(seconds(1)));
  }
}

}  // namespace

void add_top(Command root) {
  auto flags = std::make_shared<TopFlags>();
  Command top = root.sub("top", "Live figures");
  Command nodes = top.sub("nodes", "CPU, memory, work and power per node, until Ctrl-C", {"node"});
  nodes.add({.names = "--once", .help = "print once (as is done when the output is no terminal)"},
            flags->once);
  nodes.add({.names = "--every", .help = "time between looks (1s)"}, flags->every);
  nodes.add({.names = "--sort",
             .help = "busiest first by this",
             .choices = {"name", "cpu", "memory", "power", "busy"}},
            flags->sort);
  nodes.on_run([flags](Context& context) { return top_nodes(context, *flags); });
}

}  // namespace skerry::cli
