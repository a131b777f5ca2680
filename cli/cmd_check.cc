// check: whether inference works, from end to end
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <cmath>
#include <thread>

#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/json_read.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

constexpr const char* kModel = "skerry-check";
constexpr double kSent[] = {3, 1, 4, 1, 5};

// Answers with its input. Every agent has its engine, unless its settings leave it out.
json::value manifest(const std::string& ns) {
  return {{"apiVersion", "skerry/v1"},
          {"kind", "Model"},
          {"metadata", {{"name", kModel}, {"namespace", ns}}},
          {"spec",
           {{"engine", "noop"},
            {"inputs",
             {{{"name", "x"}, {"kind", "tensor"}, {"dtype", "f32"}, {"shape", json::array{-1}}}}},
            {"outputs", {{{"name", "x"}, {"kind", "tensor"}}}},
            {"variants", {{{"name", "only"}, {"accuracy", 1.0}, {"reference_ms", 0.01}}}}}}};
}

json::object job(const std::string& ns) {
  const json::array sent(std::begin(kSent), std::end(kSent));
  return {{"model", kModel},
          {"namespace", ns},
          {"inputs", {{"x", {{"dtype", "f32"}, {"shape", {sent.size()}}, {"data", sent}}}}}};
}

void tell(Context& context, const std::string& line) {
  if (context.settings.for_people()) {
    print(line + "\n");
  }
}

// Until a node takes work; how many do.
Result<std::size_t> await_nodes(Context& context) {
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::microseconds(context.settings.wait_timeout().count());
  while (true) {
    const auto nodes = context.api.get("/nodes");
    const bool late = std::chrono::steady_clock::now() >= until;
    if (!nodes && (late || nodes.error().code != ErrorCode::kUnavailable)) {
      return fail(nodes.error());
    }
    std::size_t ready = 0;
    for (const json::value& node : nodes ? items_at(*nodes, "items") : json::array()) {
      ready += text_at(node, "state") == "READY" ? 1 : 0;
    }
    if (ready > 0) {
      return ready;
    }
    if (late) {
      return fail(ErrorCode::kDeadlineExceeded,
                  "no node was READY in time: skerryctl get nodes says what there is");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
}

// Whether the job's output is what was sent.
bool is_right(const json::value& ended) {
  const json::array& numbers = items_at(ended, "result/outputs/x/data");
  return std::ranges::equal(numbers, kSent, [](const json::value& got, double sent) {
    boost::system::error_code error;
    const double number = got.to_number<double>(error);
    return !error && std::abs(number - sent) < 1e-6;
  });
}

Result<ExitCode> check_inference(Context& context) {
  const std::string ns = context.settings.ns.empty() ? "default" : context.settings.ns;
  const auto ready = await_nodes(context);
  if (!ready) {
    return fail(ready.error());
  }
  tell(context, fmt::format("{} node{} READY", *ready, *ready == 1 ? " is" : "s are"));
  const json::value model = manifest(ns);
  const auto applied = context.api.change("PUT", std::string("/models/") + kModel, &model);
  if (!applied) {
    return fail(applied.error());
  }
  tell(context, fmt::format("model/{}/{} is there", ns, kModel));
  const auto submitted = submit_job(context, job(ns), {});
  if (!submitted) {
    return fail(submitted.error());
  }
  const auto ended = await_job(context, text_at(*submitted, "id"));
  if (!ended) {
    return fail(ended.error());
  }
  const bool right = has_succeeded(*ended) && is_right(*ended);
  if (context.settings.for_people()) {
    print(fmt::format("job/{} {}: {}\n", text_at(*ended, "id"), outcome_sentence(*ended),
                      right ? "the answer is what was sent" : "the answer is not what was sent"));
  } else {
    show(context.settings, *ended, {"job/" + text_at(*ended, "id")});
  }
  return right ? ExitCode::kOk : ExitCode::kJobFailed;
}

}  // namespace

void add_check(Command root) {
  Command check =
      root.sub("check",
               "Whether inference works: waits for the controller and a node, runs a model that "
               "answers with its input, looks "
               "at the answer. Needs the role namespace-admin; exit code 6 if the answer is wrong");
  check.example("  skerryctl check --namespace default --timeout 2m\n");
  check.on_run([](Context& context) { return check_inference(context); });
}

}  // namespace skerry::cli
