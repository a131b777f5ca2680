#include "controller/api/job_request.h"

#include <fmt/format.h>

#include <array>

#include "common/ids.h"
#include "controller/api/json_reader.h"

namespace skerry::api {

namespace json = boost::json;
using scheduler::Tier;

namespace {

constexpr std::array<std::pair<std::string_view, core::Urgency>, 3> kUrgencies = {
    {{"interactive", core::Urgency::kInteractive},
     {"normal", core::Urgency::kNormal},
     {"batch", core::Urgency::kBatch}}};
constexpr std::array<std::pair<std::string_view, core::Durability>, 2> kDurabilities = {
    {{"durable", core::Durability::kDurable}, {"none", core::Durability::kNone}}};

constexpr std::size_t kMaxLabels = 64;
constexpr std::size_t kMaxNames = 64;
constexpr std::size_t kNameBytes = 63;
constexpr std::size_t kSequenceBytes = 128;
constexpr double kLongestDeadlineMs = 30.0 * 24 * 3600 * 1000;
constexpr double kLargest = 1e12;

void read_preset(JsonFields& fields, const json::string& name, core::JobSpec& spec) {
  if (const auto preset = scheduler::preset(std::string_view(name))) {
    spec.preference = *preset;
    spec.preference_name = name;
    return;
  }
  std::string known;
  for (const auto& preset : scheduler::presets()) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", preset.name);
  }
  fields.issue("preference", fmt::format("must be weights or one of {}", known));
}

void read_preference(JsonFields& fields, core::JobSpec& spec, std::vector<FieldIssue>& issues) {
  const json::value* value = fields.member("preference");
  if (value == nullptr) {
    spec.preference_name = "balanced";
    spec.preference = *scheduler::preset("balanced");
    return;
  }
  if (const auto* name = value->if_string()) {
    read_preset(fields, *name, spec);
    return;
  }
  const std::size_t before = issues.size();
  JsonFields weights(value, fields.pointer_to("preference"), issues);
  std::array<double, scheduler::kObjectives> given{};
  for (std::size_t i = 0; i < given.size(); ++i) {
    given[i] = weights.number(to_string(static_cast<scheduler::Objective>(i)), 0, 0, kLargest);
  }
  weights.finish();
  if (issues.size() > before) {
    return;
  }
  if (const auto preference = scheduler::make_preference(given)) {
    spec.preference = *preference;
  } else {
    fields.issue("preference", preference.error().message);
  }
}

std::vector<Tier> read_tiers(JsonFields& fields, std::vector<FieldIssue>& issues) {
  std::vector<Tier> tiers;
  const auto names = read_texts(fields, "tiers", 3, kNameBytes, issues);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (const auto tier = scheduler::parse_tier(names[i])) {
      tiers.push_back(*tier);
    } else {
      issues.push_back({.field = fmt::format("{}/{}", fields.pointer_to("tiers"), i),
                        .message = "must be one of device, edge, cloud"});
    }
  }
  return tiers;
}

std::string read_bounded_text(JsonFields& fields, std::string_view key, std::size_t longest) {
  std::string text = fields.text(key);
  if (text.size() > longest) {
    fields.issue(key, fmt::format("must have at most {} bytes", longest));
  }
  return text;
}

scheduler::Constraints read_constraints(const json::value* value, const std::string& pointer,
                                        Instant now, std::vector<FieldIssue>& issues) {
  scheduler::Constraints constraints;
  if (value == nullptr) {
    return constraints;
  }
  JsonFields fields(value, pointer, issues);
  if (const auto deadline_ms = read_optional_number(fields, "deadline_ms", 0, kLongestDeadlineMs)) {
    constraints.deadline = now + duration_from_seconds(*deadline_ms / 1000);
  }
  constraints.tiers = read_tiers(fields, issues);
  constraints.site = read_bounded_text(fields, "site", kNameBytes);
  constraints.labels = read_text_map(fields, "labels", kMaxLabels);
  constraints.node = read_bounded_text(fields, "node", kNameBytes);
  constraints.variants = read_texts(fields, "variants", kMaxNames, kNameBytes, issues);
  constraints.max_energy_j = read_optional_number(fields, "max_energy_j", 0, kLargest);
  constraints.max_cost_usd = read_optional_number(fields, "max_cost_usd", 0, kLargest);
  constraints.min_accuracy = read_optional_number(fields, "min_accuracy", 0, 1);
  fields.finish();
  return constraints;
}

}  // namespace

JobRequest read_job(const json::value& value, JobPurpose purpose, Instant now, std::string pointer,
                    std::vector<FieldIssue>& issues) {
  JsonFields fields(&value, pointer, issues);
  JobRequest request;
  request.pointer = std::move(pointer);
  if (!value.is_object()) {
    return request;
  }
  core::JobSpec& spec = request.spec;
  spec.model = fields.required_text("model");
  request.inputs = fields.member("inputs");
  read_preference(fields, spec, issues);
  spec.constraints =
      read_constraints(fields.member("constraints"), fields.pointer_to("constraints"), now, issues);
  spec.urgency = read_word(fields, "priority", core::Urgency::kNormal, kUrgencies);
  spec.durability = read_word(fields, "durability", core::Durability::kDurable, kDurabilities);
  spec.ns = fields.text("namespace", "default");
  if (const Status valid = validate_name("namespace", spec.ns); !valid) {
    fields.issue("namespace", valid.error().message);
  }
  spec.sequence = read_bounded_text(fields, "sequence", kSequenceBytes);
  spec.labels = read_text_map(fields, "labels", kMaxLabels);
  if (purpose == JobPurpose::kPlan && fields.has("input_bytes")) {
    request.input_bytes =
        static_cast<std::uint64_t>(fields.integer("input_bytes", 0, 0, 1LL << 40));
    if (request.inputs != nullptr) {
      fields.issue("input_bytes", "is for requests without inputs");
    }
  }
  fields.finish();
  return request;
}

}  // namespace skerry::api
