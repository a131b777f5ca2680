#include "cli/inputs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

#include "cli/json_read.h"
#include "common/digest.h"
#include "common/values.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

std::string lower_extension(const std::string& path) {
  const std::size_t dot = path.find_last_of("./");
  std::string extension = dot == std::string::npos || path[dot] == '/' ? "" : path.substr(dot + 1);
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return std::tolower(c); });
  return extension;
}

json::object media(const std::string& path, std::string_view bytes) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {"png", "image/png"}, {"jpg", "image/jpeg"}, {"jpeg", "image/jpeg"}, {"wav", "audio/wav"}};
  json::object value{{"b64", to_base64(bytes)}};
  const std::string extension = lower_extension(path);
  const auto* known =
      std::ranges::find(kTypes, extension, [](const auto& type) { return type.first; });
  if (known != std::end(kTypes)) {
    value["type"] = known->second;
  }
  return value;
}

// The inputs that a client sends; constants it does not.
std::vector<const json::value*> inputs_of(const json::value& model) {
  std::vector<const json::value*> inputs;
  for (const auto& input : items_at(manifest_of(model), "spec/inputs")) {
    if (text_at(input, "kind") != "constant") {
      inputs.push_back(&input);
    }
  }
  return inputs;
}

std::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

std::string known_names(const std::vector<const json::value*>& inputs) {
  std::vector<std::string> names;
  names.reserve(inputs.size());
  for (const json::value* input : inputs) {
    names.push_back(text_at(*input, "name"));
  }
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

// By name, or the only one that fits if the name is empty.
Result<const json::value*> choose(const json::value& model, std::string_view name,
                                  std::string_view kind) {
  auto inputs = inputs_of(model);
  const std::string known = known_names(inputs);
  std::erase_if(inputs, [&](const json::value* input) {
    return (!name.empty() && text_at(*input, "name") != name) ||
           (!kind.empty() && text_at(*input, "kind") != kind);
  });
  if (inputs.size() == 1) {
    return inputs.front();
  }
  if (!name.empty()) {
    return refuse(fmt::format("the model has no input '{}'; its inputs are: {}", name, known));
  }
  return refuse(fmt::format("the model has {} inputs{}{}; name one: --input NAME=... ({})",
                            inputs.size(), kind.empty() ? "" : " of kind ", kind, known));
}

// Nested arrays as their shape and elements in row-major order; false if they are ragged or hold no
// numbers.
bool flatten(const json::value& value, std::size_t depth, std::vector<std::int64_t>& shape,
             json::array& data) {
  const auto* array = value.if_array();
  if (array == nullptr) {
    data.push_back(value);
    return depth == shape.size() && (value.is_number() || value.is_bool());
  }
  const auto size = static_cast<std::int64_t>(array->size());
  if (data.empty() && depth == shape.size()) {
    shape.push_back(size);
  }
  return depth < shape.size() && shape[depth] == size &&
         std::ranges::all_of(
             *array,
             [&](const json::value& item) { return flatten(item, depth + 1, shape, data); });
}

std::vector<std::int64_t> shape_of(const json::value& input) {
  std::vector<std::int64_t> shape;
  for (const auto& dimension : items_at(input, "shape")) {
    shape.push_back(static_cast<std::int64_t>(number_at(dimension, "").value_or(-1)));
  }
  return shape;
}

// The manifest's shape with its one open dimension worked out; empty if that cannot be.
std::vector<std::int64_t> fill_shape(std::vector<std::int64_t> shape, std::int64_t elements) {
  const auto open = std::ranges::find(shape, -1);
  if (open == shape.end() || std::ranges::count(shape, -1) > 1) {
    return element_count(shape).value_or(-1) == elements ? shape : std::vector<std::int64_t>();
  }
  *open = 1;
  const std::int64_t rest = element_count(shape).value_or(0);
  if (rest <= 0 || elements % rest != 0) {
    return {};
  }
  *open = elements / rest;
  return shape;
}

std::string dtype_of(const json::value& input) {
  const std::string dtype = text_at(input, "dtype");
  return dtype.empty() ? "f32" : dtype;
}

Result<json::object> tensor_from_json(const json::value& value, const json::value& input) {
  if (value.is_object()) {
    return value.get_object();
  }
  std::vector<std::int64_t> shape;
  json::array data;
  if (!flatten(value, 0, shape, data)) {
    return refuse(fmt::format("input '{}': the arrays must be of equal lengths and hold numbers",
                              text_at(input, "name")));
  }
  if (shape.size() < shape_of(input).size()) {
    auto filled = fill_shape(shape_of(input), static_cast<std::int64_t>(data.size()));
    shape = filled.empty() ? shape : std::move(filled);
  }
  return json::object{{"dtype", dtype_of(input)},
                      {"shape", json::array(shape.begin(), shape.end())},
                      {"data", std::move(data)}};
}

Result<json::object> tensor_from_bytes(std::string_view bytes, const json::value& input) {
  const auto dtype = parse_dtype(dtype_of(input));
  if (!dtype) {
    return fail(dtype.error());
  }
  const std::size_t size = size_bytes(*dtype);
  const auto shape =
      bytes.size() % size == 0
          ? fill_shape(shape_of(input), static_cast<std::int64_t>(bytes.size() / size))
          : std::vector<std::int64_t>();
  if (shape.empty()) {
    return refuse(fmt::format("input '{}': {} bytes are not a whole {} tensor of shape [{}]",
                              text_at(input, "name"), bytes.size(), dtype_of(input),
                              joined_at(input, "shape")));
  }
  return json::object{{"dtype", dtype_of(input)},
                      {"shape", json::array(shape.begin(), shape.end())},
                      {"b64", to_base64(bytes)}};
}

Result<json::object> from_text(std::string_view text, const json::value& input) {
  json::error_code wrong;
  const json::value value = json::parse(text, wrong);
  if (wrong) {
    return refuse(
        fmt::format("input '{}': '{}' is no number and no JSON array; for a file write {}=@FILE",
                    text_at(input, "name"), text.substr(0, 40), text_at(input, "name")));
  }
  return tensor_from_json(value, input);
}

Result<json::object> from_file(const std::string& path, const json::value& input) {
  auto bytes = read_file(path);
  if (!bytes) {
    return fail(std::move(bytes).error());
  }
  if (text_at(input, "kind") == "image" || text_at(input, "kind") == "audio") {
    return media(path, *bytes);
  }
  return lower_extension(path) == "json" ? from_text(*bytes, input)
                                         : tensor_from_bytes(*bytes, input);
}

Status put(json::object& inputs, const json::value& input, Result<json::object> value) {
  if (!value) {
    return fail(std::move(value).error());
  }
  const std::string name = text_at(input, "name");
  if (inputs.contains(name)) {
    return refuse(fmt::format("input '{}' is given twice", name));
  }
  inputs[name] = std::move(*value);
  return {};
}

Status put_typed(json::object& inputs, const std::string& typed, const json::value& model) {
  const std::size_t equals = typed.starts_with('@') ? 0 : typed.find('=');
  if (equals == std::string::npos) {
    return refuse(fmt::format("--input '{}' must be NAME=VALUE, NAME=@FILE or @FILE", typed));
  }
  const auto input = choose(model, typed.substr(0, equals), "");
  if (!input) {
    return fail(input.error());
  }
  const std::string value = typed.substr(equals == 0 ? 0 : equals + 1);
  return put(
      inputs, **input,
      value.starts_with('@') ? from_file(value.substr(1), **input) : from_text(value, **input));
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) {
      return fail(ErrorCode::kIo, fmt::format("cannot open '{}': {}", path, std::strerror(errno)));
    }
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) {
    return fail(ErrorCode::kIo, fmt::format("cannot read '{}'", path));
  }
  return bytes;
}

Result<json::object> read_inputs(const InputFlags& flags, const json::value& model) {
  json::object inputs;
  for (const auto& [kind, path] : {std::pair("image", &flags.image), {"audio", &flags.audio}}) {
    if (path->empty()) {
      continue;
    }
    const auto input = choose(model, "", kind);
    if (!input) {
      return fail(input.error());
    }
    if (const Status done = put(inputs, **input, from_file(*path, **input)); !done) {
      return fail(done.error());
    }
  }
  for (const std::string& typed : flags.inputs) {
    if (const Status done = put_typed(inputs, typed, model); !done) {
      return fail(done.error());
    }
  }
  return inputs;
}

}  // namespace skerry::cli
