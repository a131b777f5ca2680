// job_request.h: the options that describe a job, and the body that they make (docs/rest-api.md,
// "Jobs").
//
// A file (-f, JSON or YAML) gives a body to start from; options win over it, constraint by
// constraint. What the values mean is the controller's to judge; only what cannot be read at all is
// refused here.

#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/inputs.h"
#include "common/error.h"
#include "common/time.h"

namespace skerry::cli {

struct JobFlags {
  std::string model;
  std::string file;
  InputFlags inputs;
  std::string preference;
  std::optional<Duration> deadline;
  std::vector<std::string> tiers;
  std::string site;
  std::vector<std::string> node_labels;
  std::string node;
  std::vector<std::string> variants;
  std::optional<double> min_accuracy;
  std::optional<double> max_energy_j;
  std::optional<double> max_cost_usd;
  std::string priority;
  std::string sequence;
  std::vector<std::string> job_labels;
};

void add_input_flags(Command& command, JobFlags& flags);
void add_preference_flags(Command& command, JobFlags& flags);  // with the constraints
void add_job_flags(Command& command, JobFlags& flags);         // priority, sequence, labels

// The body without inputs. kInvalidArgument names the option.
Result<boost::json::object> job_body(const JobFlags& flags, const std::string& ns);
// "green", or "latency=.5,energy=.5" as weights.
Result<boost::json::value> parse_preference(const std::string& text);

}  // namespace skerry::cli
