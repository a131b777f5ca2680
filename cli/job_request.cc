#include "cli/job_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "cli/json_read.h"
#include "cli/units.h"
#include "cli/yaml_json.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

std::vector<std::string> split_commas(const std::vector<std::string>& texts) {
  std::vector<std::string> parts;
  for (const std::string& text : texts) {
    std::size_t at = 0;
    while (at <= text.size()) {
      const std::size_t end = std::min(text.find(',', at), text.size());
      if (end > at) {
        parts.push_back(text.substr(at, end - at));
      }
      at = end + 1;
    }
  }
  return parts;
}

void put(json::object& object, std::string_view key, const std::string& value) {
  if (!value.empty()) {
    object[key] = value;
  }
}

void put(json::object& object, std::string_view key, const std::optional<double>& value) {
  if (value) {
    object[key] = *value;
  }
}

void put(json::object& object, std::string_view key, const std::vector<std::string>& values) {
  const auto parts = split_commas(values);
  if (!parts.empty()) {
    object[key] = json::array(parts.begin(), parts.end());
  }
}

Status put_labels(json::object& object, std::string_view option,
                  const std::vector<std::string>& labels) {
  for (const std::string& label : split_commas(labels)) {
    auto pair = parse_pair(label);
    if (!pair) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", option, pair.error().message));
    }
    json::value& all = object["labels"];
    if (!all.is_object()) {
      all = json::object();
    }
    all.get_object()[pair->first] = pair->second;
  }
  return {};
}

Result<json::object> body_from_file(const std::string& path) {
  auto text = read_file(path);
  if (!text) {
    return fail(std::move(text).error());
  }
  auto documents = json_from_yaml(*text, path);
  if (!documents) {
    return fail(std::move(documents).error());
  }
  if (documents->size() != 1 || !documents->front().is_object()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' must hold one job", path));
  }
  return std::move(documents->front().get_object());
}

Status put_constraints(json::object& body, const JobFlags& flags) {
  json::object constraints = members_at(body, "constraints");
  if (flags.deadline) {
    constraints["deadline_ms"] = *flags.deadline % milliseconds(1) == Duration()
                                     ? json::value(*flags.deadline / milliseconds(1))
                                     : json::value(to_ms(*flags.deadline));
  }
  put(constraints, "tiers", flags.tiers);
  put(constraints, "site", flags.site);
  put(constraints, "node", flags.node);
  put(constraints, "variants", flags.variants);
  put(constraints, "min_accuracy", flags.min_accuracy);
  put(constraints, "max_energy_j", flags.max_energy_j);
  put(constraints, "max_cost_usd", flags.max_cost_usd);
  if (const Status done = put_labels(constraints, "--label", flags.node_labels); !done) {
    return done;
  }
  if (!constraints.empty()) {
    body["constraints"] = std::move(constraints);
  }
  return {};
}

}  // namespace

Result<json::value> parse_preference(const std::string& text) {
  if (text.find('=') == std::string::npos) {
    return json::value(text);
  }
  json::object weights;
  for (const std::string& part : split_commas({text})) {
    const auto pair = parse_pair(part);
    const auto weight = pair ? parse_number(pair->second) : std::nullopt;
    if (!weight) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("--preference: '{}' is no weight; write a preset, or weights like "
                              "latency=0.5,energy=0.5",
                              part));
    }
    weights[pair->first] = *weight;
  }
  return weights;
}

void add_input_flags(Command& command, JobFlags& flags) {
  command.add({.names = "--input",
               .help = "NAME=VALUE, NAME=@FILE, or @FILE for a model with one input",
               .value = "NAME=VALUE",
               .values = Values::kFiles},
              flags.inputs.inputs);
  command.add({.names = "--image",
               .help = "PNG or JPEG for the image input",
               .value = "FILE",
               .values = Values::kFiles},
              flags.inputs.image);
  command.add({.names = "--audio",
               .help = "WAV for the audio input",
               .value = "FILE",
               .values = Values::kFiles},
              flags.inputs.audio);
}

void add_preference_flags(Command& command, JobFlags& flags) {
  command.add({.names = "-p,--preference",
               .help = "balanced, fast, green, cheap, accurate, or weights: latency=.5,energy=.5",
               .value = "WHAT"},
              flags.preference);
  command.add({.names = "--deadline", .help = "must be done this long after it arrived"},
              flags.deadline);
  command.add({.names = "--tier", .help = "only on device, edge, cloud nodes", .value = "TIER"},
              flags.tiers);
  command.add({.names = "--site", .help = "only at this site", .value = "SITE"}, flags.site);
  command.add(
      {.names = "-l,--label", .help = "only on nodes with this label", .value = "KEY=VALUE"},
      flags.node_labels);
  command.add(
      {.names = "--node", .help = "only on this node", .value = "NODE", .values = Values::kNodes},
      flags.node);
  command.add({.names = "--variant", .help = "only with this variant", .value = "VARIANT"},
              flags.variants);
  command.add({.names = "--min-accuracy", .help = "of the variant, 0 to 1", .value = "FRACTION"},
              flags.min_accuracy);
  command.add({.names = "--max-energy", .help = "in joules", .value = "J"}, flags.max_energy_j);
  command.add({.names = "--max-cost", .help = "in US dollars", .value = "USD"}, flags.max_cost_usd);
}

void add_job_flags(Command& command, JobFlags& flags) {
  command.add({.names = "--priority",
               .help = "how urgent (normal)",
               .choices = {"interactive", "normal", "batch"}},
              flags.priority);
  command.add({.names = "--sequence",
               .help = "jobs of one sequence run in order on one runner",
               .value = "NAME"},
              flags.sequence);
  command.add({.names = "--job-label", .help = "a label for the job itself", .value = "KEY=VALUE"},
              flags.job_labels);
}

Result<json::object> job_body(const JobFlags& flags, const std::string& ns) {
  json::object body;
  if (!flags.file.empty()) {
    auto read = body_from_file(flags.file);
    if (!read) {
      return fail(std::move(read).error());
    }
    body = std::move(*read);
  }
  put(body, "model", flags.model);
  put(body, "namespace", ns);
  put(body, "priority", flags.priority);
  put(body, "sequence", flags.sequence);
  if (!flags.preference.empty()) {
    auto preference = parse_preference(flags.preference);
    if (!preference) {
      return fail(std::move(preference).error());
    }
    body["preference"] = std::move(*preference);
  }
  if (const Status done = put_constraints(body, flags); !done) {
    return fail(done.error());
  }
  if (const Status done = put_labels(body, "--job-label", flags.job_labels); !done) {
    return fail(done.error());
  }
  return body;
}

}  // namespace skerry::cli
