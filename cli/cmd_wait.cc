// wait job ID..., cancel ID...
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/json_read.h"
#include "cli/listings.h"
#include "cli/url.h"

namespace skerry::cli {

namespace {

Result<ExitCode> wait_for_jobs(Context& context, const std::vector<std::string>& ids) {
  ExitCode code = ExitCode::kOk;
  boost::json::array jobs;
  for (const std::string& id : ids) {
    const auto job = await_job(context, bare_name(id));
    if (!job) {
      return fail(job.error());
    }
    if (context.settings.for_people()) {
      print(fmt::format("job/{} {}\n", bare_name(id), outcome_sentence(*job)));
    }
    jobs.push_back(*job);
    code = has_succeeded(*job) ? code : ExitCode::kJobFailed;
  }
  if (!context.settings.for_people()) {
    std::vector<std::string> names;
    for (const auto& job : jobs) {
      names.push_back("job/" + text_at(job, "id"));
    }
    show(context.settings, jobs.size() == 1 ? jobs.front() : boost::json::value{{"items", jobs}},
         names);
  }
  return code;
}

Result<ExitCode> cancel_jobs(Context& context, const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    const auto changed =
        context.api.change("POST", fmt::format("/jobs/{}:cancel", url_escape(bare_name(id))));
    if (!changed) {
      return fail(changed.error());
    }
    show_change(context.settings, "job/" + bare_name(id),
                *changed ? "cancelled" : "was cancelled already");
  }
  return ExitCode::kOk;
}

}  // namespace

void add_wait(Command root) {
  auto ids = std::make_shared<std::vector<std::string>>();
  auto until = std::make_shared<std::string>();
  Command wait = root.sub("wait", "Wait for jobs");
  Command job =
      wait.sub("job", "until they end; exit code 6 if one ends without a result", {"jobs"});
  job.add({.names = "ID", .help = "which", .values = Values::kJobs, .required = true}, *ids);
  job.add({.names = "--for", .help = "what to wait for", .choices = {"end"}}, *until);
  job.example(
      "  skerryctl wait job $(skerryctl submit digits --image seven.png -o name) --for=end "
      "--timeout 10s\n");
  job.on_run([ids, until](Context& context) { return wait_for_jobs(context, *ids); });

  auto cancelled = std::make_shared<std::vector<std::string>>();
  Command cancel = root.sub("cancel", "Cancel jobs");
  cancel.add({.names = "ID", .help = "which", .values = Values::kJobs, .required = true},
             *cancelled);
  cancel.on_run([cancelled](Context& context) { return cancel_jobs(context, *cancelled); });
}

}  // namespace skerry::cli
