#include "cli/api.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "cli/exit_code.h"
#include "cli/json_read.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

std::string target_of(std::string_view path) {
  return path.starts_with("//") ? std::string(path.substr(1)) : fmt::format("/api/v1{}", path);
}

ErrorCode code_of_status(int status) {
  switch (status) {
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kPermissionDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 409:
      return ErrorCode::kConflict;
    case 413:
      return ErrorCode::kTooLarge;
    case 429:
      return ErrorCode::kOverloaded;
    case 503:
      return ErrorCode::kUnavailable;
    case 504:
      return ErrorCode::kDeadlineExceeded;
    default:
      return status >= 500 ? ErrorCode::kInternal : ErrorCode::kInvalidArgument;
  }
}

Result<ApiAnswer> answer_of(const HttpResponse& response) {
  if (response.status < 200 || response.status > 299) {
    return fail(problem_error(response));
  }
  ApiAnswer answer{.status = response.status};
  if (!response.body.empty()) {
    json::error_code wrong;
    answer.json = json::parse(response.body, wrong);
    if (wrong) {
      return fail(ErrorCode::kCorrupt, fmt::format("the answer is not JSON ({}): {}",
                                                   wrong.message(), response.body.substr(0, 80)));
    }
  }
  return answer;
}

}  // namespace

Error problem_error(const HttpResponse& response) {
  json::error_code wrong;
  const json::value problem = json::parse(response.body, wrong);
  Error error{
      .code = parse_error_code(text_at(problem, "code")).value_or(code_of_status(response.status)),
      .message = text_at(problem, "detail")};
  if (error.message.empty()) {
    const std::string title = text_at(problem, "title");
    error.message = fmt::format("the server answered {} {}", response.status,
                                title.empty() ? "without saying why" : title);
  }
  if (const std::string when = response.header("retry-after"); !when.empty()) {
    error.message += fmt::format(" (try again in {} s)", when);
  }
  for (const auto& field : items_at(problem, "fields")) {
    error.fields.push_back(
        {.field = text_at(field, "field"), .message = text_at(field, "message")});
  }
  return error;
}

Api::Api(const Settings& settings)
    : client_(settings.server, settings.access), timeout_(settings.request_timeout()) {}

Result<ApiAnswer> Api::call(const ApiCall& call) {
  HttpRequest request{.method = call.method,
                      .target = target_of(call.path),
                      .headers = call.headers,
                      .timeout = timeout_ + call.extra_time};
  request.headers["Accept"] = "application/json";
  if (call.body != nullptr || call.text != nullptr) {
    request.headers["Content-Type"] = "application/json";
    request.body = call.text != nullptr ? *call.text : json::serialize(*call.body);
  }
  const auto response = client_.send(request);
  return response ? answer_of(*response) : fail(response.error());
}

Result<json::value> Api::get(std::string path) {
  auto answer = call({.path = std::move(path)});
  if (!answer) {
    return fail(std::move(answer).error());
  }
  return std::move(answer->json);
}

Result<bool> Api::change(std::string method, std::string path, const json::value* body) {
  const auto answer = call({.method = std::move(method), .path = std::move(path), .body = body});
  if (!answer) {
    return fail(answer.error());
  }
  const bool says_unchanged =
      find(answer->json, "changed") != nullptr && !true_at(answer->json, "changed");
  return !says_unchanged;
}

Result<bool> Api::has_blob(std::string_view digest) {
  const auto response = client_.send({.method = "HEAD",
                                      .target = target_of(fmt::format("/blobs/{}", digest)),
                                      .timeout = timeout_});
  if (!response) {
    return fail(response.error());
  }
  if (response->status != 200 && response->status != 404) {
    return fail(problem_error(*response));
  }
  return response->status == 200;
}

Status Api::put_blob(std::string_view digest, const std::string& file,
                     const std::function<void(std::uint64_t)>& on_progress) {
  const HttpRequest request{.method = "PUT",
                            .target = target_of(fmt::format("/blobs/{}", digest)),
                            .headers = {{"Content-Type", "application/octet-stream"}},
                            .timeout = timeout_};
  const auto response = client_.upload(request, file, on_progress);
  if (!response) {
    return fail(response.error());
  }
  const auto answer = answer_of(*response);
  return answer ? Status() : fail(answer.error());
}

Status Api::download(const std::string& path,
                     const std::function<bool(std::string_view)>& on_bytes) {
  const auto response =
      client_.stream({.target = target_of(path), .timeout = timeout_}, timeout_, on_bytes);
  if (!response) {
    return fail(response.error());
  }
  return response->status == 200 ? Status() : fail(problem_error(*response));
}

Status Api::watch(const std::string& path, SseParser& parser, Duration silence,
                  const std::function<bool()>& keep_on) {
  HttpRequest request{
      .target = target_of(path), .headers = {{"Accept", "text/event-stream"}}, .timeout = timeout_};
  if (!parser.last_id().empty()) {
    request.headers["Last-Event-ID"] = parser.last_id();
  }
  parser.reset();
  Status fed;
  const auto response = client_.stream(request, silence, [&](std::string_view bytes) {
    fed = parser.feed(bytes);
    return fed && keep_on();
  });
  if (!response) {
    return fail(response.error());
  }
  if (response->status != 200) {
    return fail(problem_error(*response));
  }
  if (!fed) {
    return fed;
  }
  return keep_on() ? fail(ErrorCode::kUnavailable, "the controller closed the stream") : Status();
}

}  // namespace skerry::cli
