// job_json.h: jobs and their parts as JSON, as docs/rest-api.md shows them.

#pragma once

#include <optional>
#include <span>

#include "common/values.h"
#include "controller/api/json_writer.h"
#include "controller/core/job.h"
#include "controller/core/records.h"
#include "scheduler/place.h"

namespace skerry::api {

// What an answer says about a job beyond what the core's Job holds.
struct JobExtras {
  std::optional<scheduler::MaskCounts> waiting_for;
  const Values* outputs = nullptr;  // nullptr: left out, as in lists
};

void write_job(JsonWriter& json, const core::Job& job, const JobExtras& extras);
void write_objectives(JsonWriter& json,
                      const scheduler::Objectives& objectives);  // members of the open object
void write_prediction(JsonWriter& json, const scheduler::Prediction& prediction);  // an object
// {"name", "weights": {...}}; without the name if it is empty.
void write_preference(JsonWriter& json, std::string_view name,
                      const scheduler::Preference& preference);
// An object of the objectives' names.
void write_weights(JsonWriter& json, std::span<const double, scheduler::kObjectives> weights);
// {"no_credit": 3}: those that are not 0, without kNone.
void write_mask_counts(JsonWriter& json, const scheduler::MaskCounts& counts);

}  // namespace skerry::api
