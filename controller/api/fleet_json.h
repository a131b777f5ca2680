// fleet_json.h: nodes, models and dry runs as JSON, as docs/rest-api.md shows them.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/api/json_writer.h"
#include "controller/core/core.h"
#include "scheduler/place.h"

namespace skerry::api {

void write_node(JsonWriter& json, const core::NodeView& node);
void write_model(JsonWriter& json, const core::ModelView& model);

// A PlanEntry with names for its ids.
struct NamedPlanEntry {
  std::string node;
  std::string variant;
  scheduler::PlanEntry entry;
};
// The answer of a dry run. The choice is the eligible entry with the smallest score, the first of
// equals; null if none is.
void write_plan(JsonWriter& json, const std::vector<NamedPlanEntry>& entries);

}  // namespace skerry::api
