// json_text.h: writes JSON as text: indented for people and diffs, or compact.
//
// Numbers are written the short way (3.1, not 3.1E0), so that what was typed reads back the same.
// Short arrays of scalars stay on one line.

#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace skerry::cli {

std::string pretty_json(const boost::json::value& json);   // ends with a line feed
std::string compact_json(const boost::json::value& json);  // one line, without line feed
// A finite number as JSON and YAML both read it back.
std::string number_text(double number);

}  // namespace skerry::cli
