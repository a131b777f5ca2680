// submit and infer
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/json_read.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

struct SubmitFlags {
  JobFlags job;
  std::string idempotency_key;
  bool wait = false;
  bool durable = false;
};

Status require_model(const json::object& body) {
  return text_at(body, "model").empty()
             ? fail(ErrorCode::kInvalidArgument, "which model? `skerryctl get models` lists them")
             : Status();
}

Result<ExitCode> submit(Context& context, const SubmitFlags& flags) {
  const auto body = full_body(context, flags.job);
  if (!body) {
    return fail(body.error());
  }
  if (const Status named = require_model(*body); !named) {
    return fail(named.error());
  }
  const auto job = submit_job(context, *body, flags.idempotency_key);
  if (!job) {
    return fail(job.error());
  }
  const std::string id = text_at(*job, "id");
  if (!flags.wait) {
    if (context.settings.for_people()) {
      print(fmt::format("job/{} submitted\n", id));
    } else {
      show(context.settings, *job, {"job/" + id});
    }
    return ExitCode::kOk;
  }
  const auto ended = await_job(context, id);
  return ended ? Result<ExitCode>(show_ended(context, *ended)) : fail(ended.error());
}

// One request that waits at the controller and leaves nothing behind.
Result<json::value> run_once(Context& context, json::object body) {
  constexpr std::int64_t kLongestWaitS = 300;
  const auto asked_s = std::chrono::ceil<seconds>(context.settings.wait_timeout()).count();
  const auto wait_s = std::min(asked_s, kLongestWaitS);
  body["durability"] = "none";
  const json::value request = std::move(body);
  auto answer = context.api.call({.method = "POST",
                                  .path = "/jobs",
                                  .body = &request,
                                  .headers = {{"Prefer", fmt::format("wait={}", wait_s)}},
                                  .extra_time = seconds(wait_s)});
  if (!answer) {
    return fail(std::move(answer).error());
  }
  if (!has_ended(answer->json)) {
    return fail(ErrorCode::kDeadlineExceeded,
                fmt::format("no answer within {} s; --timeout gives it longer", wait_s));
  }
  return std::move(answer->json);
}

Result<json::value> run_durably(Context& context, const json::object& body,
                                const std::string& key) {
  const auto job = submit_job(context, body, key);
  return job ? await_job(context, text_at(*job, "id")) : fail(job.error());
}

Result<ExitCode> infer(Context& context, const SubmitFlags& flags) {
  auto body = full_body(context, flags.job);
  if (!body) {
    return fail(std::move(body).error());
  }
  const bool durable = flags.durable || !flags.idempotency_key.empty();
  const auto job = durable ? run_durably(context, *body, flags.idempotency_key)
                           : run_once(context, std::move(*body));
  return job ? Result<ExitCode>(show_ended(context, *job)) : fail(job.error());
}

void add_common_flags(Command& command, SubmitFlags& flags) {
  add_input_flags(command, flags.job);
  add_preference_flags(command, flags.job);
  add_job_flags(command, flags.job);
  command.add(
      {.names = "--idempotency-key", .help = "the same key again is the same job", .value = "KEY"},
      flags.idempotency_key);
}

}  // namespace

void add_submit(Command root) {
  auto flags = std::make_shared<SubmitFlags>();
  Command command = root.sub("submit", "Submit a durable job and say its id");
  command.example(
      "  skerryctl submit digits --image seven.png --preference green\n"
      "  skerryctl submit digits --image seven.png -p latency=.5,energy=.5 --deadline 500ms "
      "--wait\n"
      "  skerryctl submit -f job.json --tier edge,cloud --min-accuracy 0.95\n");
  command.add(
      {.names = "MODEL", .help = "may stand in the file instead", .values = Values::kModels},
      flags->job.model);
  command.add({.names = "-f,--file",
               .help = "a job as JSON or YAML; options win over it",
               .value = "FILE",
               .values = Values::kFiles},
              flags->job.file);
  add_common_flags(command, *flags);
  command.add({.names = "-w,--wait", .help = "until it ends; prints the answer"}, flags->wait);
  command.on_run([flags](Context& context) { return submit(context, *flags); });

  auto infer_flags = std::make_shared<SubmitFlags>();
  Command infer_command = root.sub("infer", "Ask a model and print its answer");
  infer_command.example(
      "  skerryctl infer digits --image seven.png\n"
      "  skerryctl infer digits --image seven.png -o wide --preference fast\n"
      "  skerryctl infer add --input 'x=[1, 2, 3]'\n");
  infer_command.add(
      {.names = "MODEL", .help = "which to ask", .values = Values::kModels, .required = true},
      infer_flags->job.model);
  add_common_flags(infer_command, *infer_flags);
  infer_command.add({.names = "--durable", .help = "store the job, so that it survives a restart"},
                    infer_flags->durable);
  infer_command.on_run([infer_flags](Context& context) { return infer(context, *infer_flags); });
}

}  // namespace skerry::cli
