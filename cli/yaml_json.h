// yaml_json.h: YAML documents as JSON values, and JSON values as YAML.
//
// Plain scalars take their type by YAML 1.2's core schema (null, true, 12, 0x1f, 1.5e3); quoted
// ones are texts. JSON can hold neither .inf and .nan nor keys that are no scalars, so these are
// refused, as are keys that are set twice, more than 64 levels and more than a million values (an
// alias counts as often as it is used). Writing quotes each text that would read back as something
// else.
//
// Exceptions of yaml-cpp end here. Pure; call from anywhere.

#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace skerry::cli {

// Every document of the text, empty ones left out; JSON is taken as what it is. kInvalidArgument,
// with "origin:line" in front of the message.
Result<std::vector<boost::json::value>> json_from_yaml(std::string_view text,
                                                       std::string_view origin);

std::string yaml_from_json(const boost::json::value& json);  // ends with a line feed

}  // namespace skerry::cli
