// jobs.h: submits jobs and waits for them, as several commands do.
//
// Each wait is asked of the controller in pieces, so that a proxy with a short patience does not
// cut it.

#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "cli/context.h"
#include "cli/job_request.h"
#include "common/error.h"

namespace skerry::cli {

// The body that the options make, inputs read from the files that they name.
Result<boost::json::object> full_body(Context& context, const JobFlags& flags);

// Submits a durable job under an idempotency key (a random one if none is given), so that a request
// sent twice is one job. Answers {"id", "state"}.
Result<boost::json::value> submit_job(Context& context, const boost::json::object& body,
                                      std::string idempotency_key);

// The job once it has ended; kDeadlineExceeded when the settings' time is up, kNotFound.
Result<boost::json::value> await_job(Context& context, const std::string& id);

// Prints an ended job: the answer plainly, or whole, as the output format says.
ExitCode show_ended(Context& context, const boost::json::value& job);

}  // namespace skerry::cli
