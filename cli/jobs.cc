#include "cli/jobs.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/answer.h"
#include "cli/json_read.h"
#include "cli/model_path.h"
#include "cli/units.h"
#include "cli/url.h"
#include "common/digest.h"

namespace skerry::cli {

namespace json = boost::json;

Result<json::object> full_body(Context& context, const JobFlags& flags) {
  auto body = job_body(flags, context.settings.ns);
  if (!body || flags.inputs.empty()) {
    return body;
  }
  const std::string name = text_at(*body, "model");
  const auto model = fetch_model(context, name);
  if (!model) {
    return fail(model.error());
  }
  auto inputs = read_inputs(flags.inputs, *model);
  if (!inputs) {
    return fail(std::move(inputs).error());
  }
  json::object merged = members_at(*body, "inputs");
  for (auto& input : *inputs) {
    merged[input.key()] = std::move(input.value());
  }
  (*body)["inputs"] = std::move(merged);
  return body;
}

Result<json::value> submit_job(Context& context, const json::object& body,
                               std::string idempotency_key) {
  constexpr std::size_t kKeyBytes = 16;
  if (idempotency_key.empty()) {
    idempotency_key = to_hex(random_bytes(kKeyBytes));
  }
  const json::value request = body;
  auto answer = context.api.call({.method = "POST",
                                  .path = "/jobs",
                                  .body = &request,
                                  .headers = {{"Idempotency-Key", std::move(idempotency_key)}}});
  if (!answer) {
    return fail(std::move(answer).error());
  }
  return std::move(answer->json);
}

Result<json::value> await_job(Context& context, const std::string& id) {
  constexpr Duration kPiece = seconds(20);
  const Duration timeout = context.settings.wait_timeout();
  const Instant until = context.clock.now() + timeout;
  while (true) {
    const Duration rest = std::max(Duration(), until - context.clock.now());
    const auto wait_s = std::chrono::ceil<seconds>(std::min(rest, kPiece)).count();
    auto answer = context.api.call({.path = fmt::format("/jobs/{}?wait={}", url_escape(id), wait_s),
                                    .extra_time = seconds(wait_s)});
    if (!answer) {
      return fail(std::move(answer).error());
    }
    if (has_ended(answer->json)) {
      return std::move(answer->json);
    }
    if (context.clock.now() >= until) {
      return fail(ErrorCode::kDeadlineExceeded,
                  fmt::format("job {} is {} after {}\nhint: `skerryctl wait job {}` waits on", id,
                              text_at(answer->json, "state"), human_ms(to_ms(timeout)), id));
    }
  }
}

ExitCode show_ended(Context& context, const json::value& job) {
  const bool succeeded = has_succeeded(job);
  if (context.settings.wide()) {
    print(wide_answer(job, context.settings.colour));
  } else if (!context.settings.for_people()) {
    show(context.settings, job, {"job/" + text_at(job, "id")});
  } else if (succeeded) {
    print(plain_answer(*find(job, "result/outputs")));
  }
  if (!succeeded) {
    note(fmt::format("error: job {} {}", text_at(job, "id"), outcome_sentence(job)));
  }
  return succeeded ? ExitCode::kOk : ExitCode::kJobFailed;
}

}  // namespace skerry::cli
