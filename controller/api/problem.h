// problem.h: errors as HTTP answers: RFC 9457 problem documents, and the one map from ErrorCode to
// a status.

#pragma once

#include <string>
#include <string_view>

#include "common/error.h"
#include "controller/api/http_message.h"
#include "controller/api/json_writer.h"

namespace skerry::api {

int http_status(ErrorCode code);

// With Retry-After where the status is 429 or 503.
Response problem(const Error& error);
// For what HTTP itself refuses (405, 406, 415, …), which has no ErrorCode.
Response problem(int status, std::string_view code, std::string_view detail);

// {"code": …, "message": …}: an error as part of another answer, such as a job's.
void write_error(JsonWriter& json, const Error& error);

}  // namespace skerry::api
