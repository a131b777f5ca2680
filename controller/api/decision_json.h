// decision_json.h: a decision record as JSON, for explain and for the trace that replay reads
// (replay/trace.h).

#pragma once

#include "controller/api/json_writer.h"
#include "controller/core/records.h"

namespace skerry::api {

// `result`: of the job, if it has ended; its outcome is added if it is of this attempt.
void write_decision(JsonWriter& json, const core::DecisionRecord& decision,
                    const core::TaskResult* result = nullptr);

}  // namespace skerry::api
