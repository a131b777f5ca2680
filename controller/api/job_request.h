// job_request.h: a job as a client describes it in JSON, read into what the core takes.
//
// In two steps, because the inputs can be read only once the model is known: read_job() takes
// everything else, and the caller looks the manifest up and reads `inputs` with read_inputs()
// (values_json.h).

#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/time.h"
#include "controller/core/job.h"

namespace skerry::api {

enum class JobPurpose : std::uint8_t {
  kSubmit,
  kPlan,  // inputs may be left out, and input_bytes given instead
};

struct JobRequest {
  core::JobSpec spec;                          // without inputs
  const boost::json::value* inputs = nullptr;  // into the document
  std::optional<std::uint64_t> input_bytes;
  std::string pointer;  // of the job within the document: "" or "/jobs/3"
};

// Adds what is wrong to `issues`. `now` is when the request arrived: deadlines count from it.
JobRequest read_job(const boost::json::value& json, JobPurpose purpose, Instant now,
                    std::string pointer, std::vector<FieldIssue>& issues);

}  // namespace skerry::api
