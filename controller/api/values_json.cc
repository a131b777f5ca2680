#include "controller/api/values_json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <concepts>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>

#include "common/digest.h"
#include "common/json_fields.h"

namespace skerry::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxRank = 8;
constexpr std::size_t kMaxElements = 64 * 1024 * 1024;

// Calls `use` with a value of the C++ type of the elements.
template <typename Use>
auto with_element_type(DType dtype, Use use) {
  switch (dtype) {
    case DType::kF32:
      return use(float{});
    case DType::kF64:
      return use(double{});
    case DType::kF16:
      return use(_Float16{});
    case DType::kI64:
      return use(std::int64_t{});
    case DType::kI32:
      return use(std::int32_t{});
    case DType::kI16:
      return use(std::int16_t{});
    case DType::kI8:
      return use(std::int8_t{});
    case DType::kU8:
      return use(std::uint8_t{});
    case DType::kBool:
      return use(bool{});
  }
  return use(float{});
}

template <typename T>
std::optional<T> element_of(const json::value& value) {
  if constexpr (std::same_as<T, bool>) {
    if (value.is_bool()) {
      return value.get_bool();
    }
    return value.is_int64() && (value.get_int64() == 0 || value.get_int64() == 1)
               ? std::optional(value.get_int64() == 1)
               : std::nullopt;
  } else if constexpr (std::integral<T>) {
    boost::system::error_code wrong;
    const T number = value.is_number() ? value.to_number<T>(wrong) : T{};
    return value.is_number() && !wrong ? std::optional(number) : std::nullopt;
  } else {
    const T number = value.is_number() ? static_cast<T>(value.to_number<double>()) : T{};
    return value.is_number() && std::isfinite(static_cast<double>(number)) ? std::optional(number)
                                                                           : std::nullopt;
  }
}

// Little-endian bytes of the elements of a JSON list; the first that does not fit is an issue.
std::string read_elements(DType dtype, const json::array& list, const std::string& pointer,
                          std::vector<FieldIssue>& issues) {
  return with_element_type(dtype, [&]<typename T>(T) {
    std::string bytes(list.size() * sizeof(T), '\0');
    char* out = bytes.data();
    for (std::size_t i = 0; i < list.size(); ++i, out += sizeof(T)) {
      const auto element = element_of<T>(list[i]);
      if (!element) {
        issues.push_back({.field = fmt::format("{}/{}", pointer, i),
                          .message = fmt::format("is not a value of {}", to_string(dtype))});
        break;
      }
      std::memcpy(out, &*element, sizeof(T));
    }
    return bytes;
  });
}

bool fits(std::span<const std::int64_t> shape, std::span<const std::int64_t> pattern) {
  return std::ranges::equal(shape, pattern, [](std::int64_t size, std::int64_t wanted) {
    return wanted == -1 || size == wanted;
  });
}

std::string shape_text(std::span<const std::int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::optional<std::string> read_b64(JsonFields& fields, std::string_view key) {
  auto bytes = from_base64(fields.required_text(key));
  if (!bytes) {
    fields.issue(key, fmt::format("is not base64: {}", bytes.error().message));
    return std::nullopt;
  }
  return std::move(*bytes);
}

// A shape that was not sent is the manifest's, where that leaves nothing open.
std::vector<std::int64_t> read_shape(JsonFields& fields, const InputSpec& spec,
                                     const std::string& pointer, std::vector<FieldIssue>& issues) {
  if (!fields.has("shape")) {
    fields.member("shape");
    if (std::ranges::find(spec.shape, -1) != spec.shape.end()) {
      fields.issue("shape", fmt::format("is missing, and the model leaves it open: {}",
                                        shape_text(spec.shape)));
    }
    return spec.shape;
  }
  std::vector<std::int64_t> shape;
  for (const json::value* element : fields.elements("shape", kMaxRank)) {
    boost::system::error_code wrong;
    const auto size = element->is_number() ? element->to_number<std::int64_t>(wrong) : -1;
    if (wrong || size < 0) {
      issues.push_back({.field = fmt::format("{}/shape/{}", pointer, shape.size()),
                        .message = "must be a whole number from 0 on"});
    }
    shape.push_back(size);
  }
  if (!fits(shape, spec.shape)) {
    fields.issue("shape", fmt::format("is {}, but the model takes {}", shape_text(shape),
                                      shape_text(spec.shape)));
  }
  return shape;
}

std::optional<Tensor> read_tensor(const json::value& value, const InputSpec& spec,
                                  const std::string& pointer, std::vector<FieldIssue>& issues) {
  const std::size_t before = issues.size();
  JsonFields fields(&value, pointer, issues);
  Tensor tensor{.dtype = spec.dtype, .shape = {}, .data = {}};
  if (const auto dtype = parse_dtype(fields.text("dtype", to_string(spec.dtype))); !dtype) {
    fields.issue("dtype", dtype.error().message);
  } else if (*dtype != spec.dtype) {
    fields.issue("dtype", fmt::format("is {}, but the model takes {}", to_string(*dtype),
                                      to_string(spec.dtype)));
  }
  tensor.shape = read_shape(fields, spec, pointer, issues);
  if (fields.has("data") == fields.has("b64")) {
    fields.issue("", "must have exactly one of data and b64");
    return std::nullopt;
  }
  if (fields.has("b64")) {
    tensor.data = read_b64(fields, "b64").value_or(std::string());
  } else if (const auto* list = fields.member("data")->if_array();
             list == nullptr || list->size() > kMaxElements) {
    fields.issue("data", "must be a list of the elements, row by row");
  } else {
    tensor.data = read_elements(spec.dtype, *list, fields.pointer_to("data"), issues);
  }
  fields.finish();
  if (issues.size() > before) {
    return std::nullopt;
  }
  const auto elements = element_count(tensor.shape);
  const std::size_t sent = tensor.data.size() / size_bytes(tensor.dtype);
  if (!elements || static_cast<std::size_t>(*elements) != sent ||
      tensor.data.size() % size_bytes(tensor.dtype) != 0) {
    fields.issue(
        "", fmt::format("has {} bytes of elements, which are not those of {} of shape {}",
                        tensor.data.size(), to_string(tensor.dtype), shape_text(tensor.shape)));
    return std::nullopt;
  }
  return tensor;
}

std::optional<Media> read_media(const json::value& value, InputKind kind,
                                const std::string& pointer, std::vector<FieldIssue>& issues) {
  const std::size_t before = issues.size();
  JsonFields fields(&value, pointer, issues);
  Media media;
  media.type = fields.text("type");
  media.data = read_b64(fields, "b64").value_or(std::string());
  const bool known = kind == InputKind::kImage
                         ? media.type == "image/png" || media.type == "image/jpeg"
                         : media.type == "audio/wav" || media.type == "audio/x-wav";
  if (!media.type.empty() && !known) {
    fields.issue("type", kind == InputKind::kImage ? "must be image/png or image/jpeg"
                                                   : "must be audio/wav");
  }
  fields.finish();
  return issues.size() == before ? std::optional(std::move(media)) : std::nullopt;
}

std::string known_inputs(const ModelManifest& manifest) {
  std::string names;
  for (const InputSpec& input : manifest.inputs) {
    if (input.kind != InputKind::kConstant) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", input.name);
    }
  }
  return names.empty() ? "it takes none" : "it takes " + names;
}

template <typename T>
void write_elements(JsonWriter& json, std::string_view bytes) {
  for (; bytes.size() >= sizeof(T); bytes.remove_prefix(sizeof(T))) {
    if constexpr (std::same_as<T, bool>) {
      json.value(bytes.front() != 0);
    } else {
      T element;
      std::memcpy(&element, bytes.data(), sizeof(T));
      json.value(static_cast<std::conditional_t<std::same_as<T, _Float16>, float, T>>(element));
    }
  }
}

void write_value(JsonWriter& json, const Tensor& tensor) {
  json.object().member("dtype", to_string(tensor.dtype)).key("shape").array();
  for (const std::int64_t size : tensor.shape) {
    json.value(size);
  }
  json.end();
  if (tensor.data.size() / size_bytes(tensor.dtype) > kListedElements) {
    json.member("b64", to_base64(tensor.data));
  } else {
    json.key("data").array();
    with_element_type(tensor.dtype, [&]<typename T>(T) { write_elements<T>(json, tensor.data); });
    json.end();
  }
  json.end();
}

void write_value(JsonWriter& json, const Media& media) {
  json.object();
  if (!media.type.empty()) {
    json.member("type", media.type);
  }
  json.member("b64", to_base64(media.data)).end();
}

void write_value(JsonWriter& json, const Labels& labels) {
  json.object().key("labels").array();
  for (const Label& label : labels) {
    json.object().member("label", label.text).member("score", label.score).end();
  }
  json.end().end();
}

}  // namespace

Values read_inputs(const json::value* inputs, const ModelManifest& manifest,
                   const std::string& pointer, std::vector<FieldIssue>& issues) {
  Values values;
  static const json::value kNone = json::object();
  JsonFields fields(inputs == nullptr ? &kNone : inputs, pointer, issues);
  if (inputs != nullptr && !inputs->is_object()) {
    return values;
  }
  for (const InputSpec& spec : manifest.inputs) {
    if (spec.kind == InputKind::kConstant) {
      if (fields.has(spec.name)) {
        fields.issue(spec.name, "is a constant of the model and not for clients to send");
        fields.member(spec.name);
      }
      continue;
    }
    const json::value* value = fields.member(spec.name);
    const std::string path = fields.pointer_to(spec.name);
    if (value == nullptr) {
      fields.issue(spec.name, fmt::format("is missing: model '{}' needs it", manifest.name));
    } else if (spec.kind == InputKind::kTensor) {
      if (auto tensor = read_tensor(*value, spec, path, issues)) {
        values.push_back({.name = spec.name, .value = std::move(*tensor)});
      }
    } else if (auto media = read_media(*value, spec.kind, path, issues)) {
      values.push_back({.name = spec.name, .value = std::move(*media)});
    }
  }
  for (const auto& entry : inputs == nullptr ? kNone.get_object() : inputs->get_object()) {
    if (issues.size() >= kEnoughIssues) {
      break;
    }
    const std::string_view name = entry.key();
    if (std::ranges::find(manifest.inputs, name, &InputSpec::name) == manifest.inputs.end()) {
      fields.issue(name, fmt::format("is no input of model '{}': {}", manifest.name,
                                     known_inputs(manifest)));
    }
  }
  return values;
}

void write_values(JsonWriter& json, const Values& values) {
  json.object();
  for (const NamedValue& named : values) {
    json.key(named.name);
    std::visit([&](const auto& value) { write_value(json, value); }, named.value);
  }
  json.end();
}

}  // namespace skerry::api
