// log.h: makes a daemon's log: text for people on a terminal, one JSON object a line for machines
// otherwise.
//
// A log is an object that main makes and passes down; there is no default logger. Lines go to
// standard error. Fields that programs search for follow the sentence:
//
//   log.info("attempt ended: {}{}", outcome, fields({{"job", to_string(job)}, {"attempt", "2"}}));
//   text   2026-01-31T12:00:00.123Z info  agent  attempt ended: succeeded  job=j01... attempt=2
//   json   {"time":"2026-01-31T12:00:00.123Z","level":"info","part":"agent","message":"attempt
//   ended: ...","job":"j01..."}
//
// Thread-safe. A line is written by the call that logs it, so nothing is lost by an abort that
// follows.

#pragma once

#include <spdlog/logger.h>

#include <cstdio>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/error.h"

namespace skerry {

using Log = spdlog::logger;

struct LogOptions {
  std::string part;             // "agent", "controller"
  std::string level = "info";   // trace, debug, info, warn, error
  std::string format = "auto";  // auto, text, json
};

// kInvalidArgument for a level or format that is not known.
Result<std::shared_ptr<Log>> make_log(const LogOptions& options);
// The same into a sink of the caller's, in text or json; for tests.
std::shared_ptr<Log> make_log(const LogOptions& options, spdlog::sink_ptr sink, bool json);

// To be appended to a log message; see above.
std::string fields(std::initializer_list<std::pair<std::string_view, std::string_view>> members);

}  // namespace skerry
