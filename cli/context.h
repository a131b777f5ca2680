// context.h: what a command is given when it runs, and how it answers.
//
// A command writes its result to standard output and everything else (notes, progress, errors) to
// standard error, so that pipes carry results alone.

#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/api.h"
#include "cli/exit_code.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "common/error.h"
#include "common/time.h"

namespace skerry::cli {

struct Context {
  const Settings& settings;
  Api& api;
  Clock& clock;
};

// What a command does. An Error is printed, and turned into the exit code, by the caller.
using Action = std::function<Result<ExitCode>(Context&)>;

void print(std::string_view text);  // standard output, as it is
void note(std::string_view line);   // standard error, with a line feed

// For json, yaml and name formats: the value, or the names ("job/j...") one a line.
void show(const Settings& settings, const boost::json::value& json,
          const std::vector<std::string>& names);
void show(const Settings& settings, const Table& table);
// "node/edge-1 drained", or only the name with -o name; for commands that change something.
void show_change(const Settings& settings, std::string_view name, std::string_view what);

// "error: sentence", a line per field, and what may help.
void print_error(const Error& error);

}  // namespace skerry::cli
