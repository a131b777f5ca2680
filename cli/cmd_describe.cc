// describe node|job|model NAME: everything about one, for people.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/json_read.h"
#include "cli/listings.h"
#include "cli/model_path.h"
#include "cli/objectives.h"
#include "cli/units.h"
#include "cli/url.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

// A number with its unit, or nothing.
template <typename Human>
std::string with_unit(const json::value& value, std::string_view path, Human human) {
  const auto number = number_at(value, path);
  return number ? human(*number) : std::string();
}

std::string watts(double w) { return fmt::format("{:.1f} W", w); }
std::string per_second(double bytes) { return human_bytes(bytes) + "/s"; }

std::string with_age(const std::string& time, Instant now) {
  const std::string age = age_of(time, now);
  return age.empty() ? time : fmt::format("{} ({} ago)", time, age);
}

std::string resident_text(const json::value& node) {
  std::string text;
  for (const auto& item : items_at(node, "resident")) {
    text += fmt::format("{}{}/{}", text.empty() ? "" : ", ", text_at(item, "model"),
                        text_at(item, "variant"));
  }
  return text;
}

// "37 %, 4.2 GiB of 80 GiB"; empty without a GPU.
std::string gpu_text(const json::value& node) {
  if (number_at(node, "telemetry/gpu_memory_total_bytes").value_or(0) == 0) {
    return {};
  }
  return fmt::format("{}, {} of {}", with_unit(node, "telemetry/gpu_fraction", human_percent),
                     with_unit(node, "telemetry/gpu_memory_used_bytes", human_bytes),
                     with_unit(node, "telemetry/gpu_memory_total_bytes", human_bytes));
}

std::string describe_node(const json::value& node, const Context& context) {
  const Instant now = context.clock.now();
  const std::string state = text_at(node, "state");
  Sheet sheet;
  sheet.line("Name", text_at(node, "name"));
  sheet.line("State", {state, tone_of_state(state)});
  sheet.line("Connected", true_at(node, "connected") ? "yes" : "no");
  sheet.line("Tier", text_at(node, "tier"));
  sheet.line("Site", text_at(node, "site"));
  sheet.line("Labels", joined_at(node, "labels"));
  sheet.line("Engines", joined_at(node, "engines"));
  sheet.line("Work", fmt::format("{} held of {}, on {} slots", text_at(node, "outstanding"),
                                 text_at(node, "capacity"), text_at(node, "slots")));
  sheet.line("Running, queued", fmt::format("{}, {}", text_at(node, "telemetry/running"),
                                            text_at(node, "telemetry/queued")));
  sheet.line("Loaded", resident_text(node));
  sheet.line("Model memory", with_unit(node, "memory_bytes", human_bytes));
  sheet.line("CPU", with_unit(node, "telemetry/cpu_fraction", human_percent));
  sheet.line("Devices", joined_at(node, "devices"));
  sheet.line("GPU", gpu_text(node));
  sheet.line("Memory used", with_unit(node, "telemetry/memory_used_bytes", human_bytes));
  sheet.line("Power now", fmt::format("{} ({})", with_unit(node, "telemetry/power_w", watts),
                                      text_at(node, "telemetry/power_source")));
  sheet.line("Power model", fmt::format("{} idle, {} busy", with_unit(node, "power/idle_w", watts),
                                        with_unit(node, "power/busy_w", watts)));
  sheet.line("Energy from", text_at(node, "energy_source"));
  sheet.line("Price", with_unit(node, "price_usd_per_hour",
                                [](double usd) { return human_usd(usd) + " an hour"; }));
  sheet.line("Link", fmt::format("{} round trip, {}", with_unit(node, "rtt_ms", human_ms),
                                 with_unit(node, "bandwidth_bytes_per_s", per_second)));
  sheet.line("Software", text_at(node, "software_version"));
  sheet.line("Enrolled", with_age(text_at(node, "enrolled_at"), now));
  sheet.line("Heartbeat", with_age(text_at(node, "last_heartbeat_at"), now));
  sheet.line("Was alone for",
             with_unit(node, "alone_ms", [](double ms) { return ms > 0 ? human_ms(ms) : ""; }));
  sheet.line("Brought", brought_by(node));
  return sheet.render(context.settings.colour);
}

std::string attempts_text(const json::value& job, const Context& context) {
  Table table({{.title = "ATTEMPT"},
               {.title = "NODE"},
               {.title = "VARIANT"},
               {.title = "LEASED"},
               {.title = "STARTED"}});
  for (const auto& attempt : items_at(job, "live_attempts")) {
    table.add({text_at(attempt, "number"), text_at(attempt, "node"), text_at(attempt, "variant"),
               text_at(attempt, "leased_at"), text_at(attempt, "started_at")});
  }
  return table.empty() ? "" : table.render(true, context.settings.colour);
}

std::string usage_text(const json::value& job) {
  std::string text;
  for (const std::string_view part : {"queue", "fetch", "load", "service"}) {
    if (const auto ms = number_at(job, fmt::format("result/usage/{}_ms", part))) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", part, human_ms(*ms));
    }
  }
  return text;
}

std::string describe_job(const json::value& job, const Context& context) {
  const Instant now = context.clock.now();
  const std::string state = text_at(job, "state");
  Sheet sheet;
  sheet.line("Job", text_at(job, "id"));
  sheet.line("State", {state, tone_of_state(state)});
  sheet.line("Model", text_at(job, "model"));
  sheet.line("Namespace", text_at(job, "namespace"));
  sheet.line("Priority", text_at(job, "priority"));
  sheet.line("Durability", text_at(job, "durability"));
  sheet.line("Sequence", text_at(job, "sequence"));
  sheet.line("Labels", joined_at(job, "labels"));
  if (const json::value* preference = find(job, "preference")) {
    sheet.line("Preference", preference_text(*preference));
  }
  sheet.line("Constraints", joined_at(job, "constraints"));
  sheet.line("Submitted", with_age(text_at(job, "submitted_at"), now));
  sheet.line("Ended", with_age(text_at(job, "ended_at"), now));
  sheet.line("Attempts", text_at(job, "attempts"));
  sheet.line("Waits for", Cell(joined_at(job, "waiting_for"), Tone::kBusy));
  sheet.line("Error", {text_at(job, "error/message"), Tone::kBad});
  sheet.line("Error code", text_at(job, "error/code"));
  if (const std::string attempts = attempts_text(job, context); !attempts.empty()) {
    sheet.block("Live attempts", attempts);
  }
  if (has_succeeded(job)) {
    sheet.line("Ran on",
               fmt::format("{} ({}), attempt {}", text_at(job, "result/node"),
                           text_at(job, "result/variant"), text_at(job, "result/attempt")));
    sheet.line("Time", usage_text(job));
    sheet.block("Answer", plain_answer(*find(job, "result/outputs")));
    sheet.block(fmt::format("Objectives (energy {})", text_at(job, "result/usage/energy_source")),
                predicted_and_actual(job, context.settings.colour));
  }
  return sheet.render(context.settings.colour);
}

std::string variants_text(const json::value& model, const Context& context) {
  Table table({{.title = "VARIANT"},
               {.title = "ACCURACY", .align = Align::kRight},
               {.title = "SIZE", .align = Align::kRight},
               {.title = "MEMORY", .align = Align::kRight},
               {.title = "REFERENCE", .align = Align::kRight},
               {.title = "DIGEST", .wide = true}});
  for (const auto& variant : items_at(manifest_of(model), "spec/variants")) {
    table.add({text_at(variant, "name"), with_unit(variant, "accuracy", human_percent),
               with_unit(variant, "artifact_bytes", human_bytes),
               with_unit(variant, "memory_bytes", human_bytes),
               with_unit(variant, "reference_ms", human_ms), text_at(variant, "digest")});
  }
  return table.render(context.settings.wide(), context.settings.colour);
}

std::string estimates_text(const json::value& model, const Context& context) {
  Table table({{.title = "NODE"},
               {.title = "VARIANT"},
               {.title = "LOADED"},
               {.title = "SERVICE", .align = Align::kRight},
               {.title = "+-", .align = Align::kRight},
               {.title = "SAMPLES", .align = Align::kRight},
               {.title = "LOAD", .align = Align::kRight}});
  for (const auto& estimate : items_at(model, "estimates")) {
    table.add({text_at(estimate, "node"), text_at(estimate, "variant"),
               true_at(estimate, "resident") ? "yes" : "",
               with_unit(estimate, "service/mean_ms", human_ms),
               with_unit(estimate, "service/deviation_ms", human_ms),
               text_at(estimate, "service/samples"),
               with_unit(estimate, "load/mean_ms", human_ms)});
  }
  return table.empty() ? "" : table.render(true, context.settings.colour);
}

// "image  image 20x20x1", "x  tensor f32 [-1, 3]"
std::string ports_text(const json::value& model, std::string_view path) {
  std::string text;
  for (const auto& port : items_at(manifest_of(model), path)) {
    std::string shape;
    if (const json::value* image = find(port, "image")) {
      const std::string channels = text_at(*image, "channels");
      shape = fmt::format("{}x{}, {} channels", text_at(*image, "width"), text_at(*image, "height"),
                          channels.empty() ? "3" : channels);
    } else if (const json::value* audio = find(port, "audio")) {
      shape = fmt::format("{} Hz, windows of {}", text_at(*audio, "sample_rate_hz"),
                          text_at(*audio, "window_samples"));
    } else if (!items_at(port, "labels").empty()) {
      shape = fmt::format("{} classes", items_at(port, "labels").size());
    } else if (find(port, "shape") != nullptr) {
      shape = fmt::format("{} [{}]", text_at(port, "dtype"), joined_at(port, "shape"));
    }
    const std::string kind = text_at(port, "kind");
    text += fmt::format("{}  {}{}{}\n", text_at(port, "name"), kind.empty() ? "tensor" : kind,
                        shape.empty() ? "" : " ", shape);
  }
  return text;
}

std::string describe_model(const json::value& model, const Context& context) {
  Sheet sheet;
  sheet.line("Name", model_name(model));
  sheet.line("Description", text_at(manifest_of(model), "spec/description"));
  sheet.line("Engine", text_at(manifest_of(model), "spec/engine").empty()
                           ? "torch"
                           : text_at(manifest_of(model), "spec/engine"));
  sheet.line("Stateful", true_at(manifest_of(model), "spec/stateful") ? "yes" : "");
  sheet.line("Revision", text_at(model, "revision"));
  if (true_at(model, "tripped")) {
    sheet.line("Tripped", {"yes: it crashed on several nodes and gets no new work", Tone::kBad});
  }
  sheet.block("Inputs", ports_text(model, "spec/inputs"));
  sheet.block("Outputs", ports_text(model, "spec/outputs"));
  sheet.block("Variants", variants_text(model, context));
  if (const std::string estimates = estimates_text(model, context); !estimates.empty()) {
    sheet.block("Measured on", estimates);
  }
  return sheet.render(context.settings.colour);
}

struct Kind {
  std::string name;
  std::string help;
  Values values;
  std::string (*describe)(const json::value&, const Context&);
};

Result<ExitCode> describe(Context& context, const Kind& kind,
                          const std::vector<std::string>& names) {
  std::string_view separator;
  for (const std::string& name : names) {
    const auto item =
        kind.name == "model"
            ? fetch_model(context, name)
            : context.api.get(fmt::format("/{}s/{}", kind.name, url_escape(bare_name(name))));
    if (!item) {
      return fail(item.error());
    }
    if (context.settings.for_people()) {
      print(fmt::format("{}{}", separator, kind.describe(*item, context)));
    } else {
      show(context.settings, *item, {fmt::format("{}/{}", kind.name, bare_name(name))});
    }
    separator = "\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void add_describe(Command root) {
  Command command = root.sub("describe", "Everything about a node, job or model");
  const std::vector<Kind> kinds = {
      {"node", "Its state, work, power, link", Values::kNodes, describe_node},
      {"job", "Its state, answer, predicted and actual objectives", Values::kJobs, describe_job},
      {"model", "Its inputs, outputs, variants and measured speed", Values::kModels,
       describe_model}};
  for (const Kind& kind : kinds) {
    auto names = std::make_shared<std::vector<std::string>>();
    Command sub = command.sub(kind.name, kind.help, {kind.name + "s"});
    sub.add({.names = "NAME", .help = "which", .values = kind.values, .required = true}, *names);
    sub.on_run([names, kind](Context& context) { return describe(context, kind, *names); });
  }
}

}  // namespace skerry::cli
