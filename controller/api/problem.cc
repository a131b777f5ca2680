#include "controller/api/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace skerry::api {

namespace {

constexpr Duration kSpaceRetryAfter = seconds(10);  // a disk that is full is seldom so for a moment
// In whole seconds, so that nobody is back too early.
std::string retry_after(Duration told) {
  constexpr std::int64_t kUsPerS = 1'000'000;
  return fmt::to_string(std::max<std::int64_t>(1, (told.count() + kUsPerS - 1) / kUsPerS));
}

Response document(int status, std::string_view code, std::string_view detail,
                  std::span<const FieldIssue> fields, Duration not_before = {}) {
  JsonWriter json;
  json.object()
      .member("type", "about:blank")
      .member("title", reason_phrase(status))
      .member("status", status)
      .member("detail", detail)
      .member("code", code);
  if (!fields.empty()) {
    json.key("fields").array();
    for (const FieldIssue& issue : fields) {
      json.object().member("field", issue.field).member("message", issue.message).end();
    }
    json.end();
  }
  json.end();
  Response response{
      .status = status, .content_type = "application/problem+json", .body = json.take()};
  if (status == 429 || status == 503) {
    const bool no_space = code == to_string(ErrorCode::kStorageFull);
    response.headers.emplace_back("Retry-After",
                                  retry_after(no_space ? kSpaceRetryAfter : not_before));
  }
  return response;
}

}  // namespace

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kPermissionDenied:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
    case ErrorCode::kIdempotencyMismatch:
    case ErrorCode::kCancelled:
      return 409;
    case ErrorCode::kTooLarge:
      return 413;
    case ErrorCode::kUnsatisfiable:
    case ErrorCode::kModelFailed:
    case ErrorCode::kQuarantined:
      return 422;
    case ErrorCode::kQuotaRate:
    case ErrorCode::kQuotaOpenJobs:
    case ErrorCode::kQuotaInputBytes:
    case ErrorCode::kQuotaStoredBytes:
      return 429;
    case ErrorCode::kCorrupt:
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      return 500;
    case ErrorCode::kUnsupported:
      return 501;
    case ErrorCode::kRunnerCrashed:
    case ErrorCode::kNodeLost:
    case ErrorCode::kSequenceLost:
      return 502;
    case ErrorCode::kNoCapacity:
    case ErrorCode::kOverloaded:
    case ErrorCode::kStorageFull:
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kDeadlineExceeded:
      return 504;
  }
  return 500;
}

Response problem(const Error& error) {
  return document(http_status(error.code), to_string(error.code), error.message, error.fields,
                  error.retry_after);
}

Response problem(int status, std::string_view code, std::string_view detail) {
  return document(status, code, detail, {});
}

void write_error(JsonWriter& json, const Error& error) {
  json.object().member("code", to_string(error.code)).member("message", error.message).end();
}

}  // namespace skerry::api
