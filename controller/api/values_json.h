// values_json.h: inputs as clients write them in JSON to named values, checked against the model's
// manifest; and outputs back to JSON.

#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/manifest.h"
#include "common/values.h"
#include "controller/api/json_writer.h"

namespace skerry::api {

// `inputs` may be nullptr (none were sent). What is wrong is added to `issues` by JSON pointer,
// which start with `pointer`.
Values read_inputs(const boost::json::value* inputs, const ModelManifest& manifest,
                   const std::string& pointer, std::vector<FieldIssue>& issues);

// As one object by name. Tensors of more than kListedElements come as b64.
constexpr std::size_t kListedElements = 16'384;
void write_values(JsonWriter& json, const Values& values);

}  // namespace skerry::api
