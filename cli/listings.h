// listings.h: nodes, jobs and models as table rows, and their names as `kind/name`.
//
// Pure but for `now`, from which ages count.

#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "cli/table.h"
#include "common/time.h"

namespace skerry::cli {

std::string brought_by(const boost::json::value& node);  // after it was alone: "3 results, 2 jobs"
Table node_table();
void add_node_row(Table& table, const boost::json::value& node, Instant now);
Table job_table();
void add_job_row(Table& table, const boost::json::value& job, Instant now);
Table model_table();
void add_model_row(Table& table, const boost::json::value& model);

Tone tone_of_state(const std::string& state);  // of a node or a job
// How long ago an RFC 3339 time was, "12s"; empty if it is none.
std::string age_of(const std::string& time, Instant now);
std::string model_name(const boost::json::value& model);
// "j..." of "job/j...": what -o name prints is taken as it is.
std::string bare_name(const std::string& name);

}  // namespace skerry::cli
