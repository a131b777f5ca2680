#include "cli/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace skerry::cli {

namespace {

namespace json = boost::json;

constexpr std::size_t kLineWidth = 100;

void write_compact(const json::value& value, std::string& text) {
  if (const auto* object = value.if_object()) {
    text += '{';
    for (const auto& member : *object) {
      text += text.back() == '{' ? "" : ", ";
      text += json::serialize(json::string(member.key())) + ": ";
      write_compact(member.value(), text);
    }
    text += '}';
  } else if (const auto* array = value.if_array()) {
    text += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      text += i == 0 ? "" : ", ";
      write_compact((*array)[i], text);
    }
    text += ']';
  } else if (const auto* number = value.if_double()) {
    text += number_text(*number);
  } else {
    text += json::serialize(value);
  }
}

// True for what reads better on one line: anything empty, and short arrays of scalars.
bool fits_a_line(const json::value& value, std::size_t indent) {
  if (const auto* object = value.if_object()) {
    return object->empty();
  }
  const auto* array = value.if_array();
  return array == nullptr ||
         (array->size() <= kLineWidth &&
          std::ranges::none_of(*array, [](const auto& item) { return item.is_structured(); }) &&
          indent + compact_json(value).size() <= kLineWidth);
}

void write_pretty(const json::value& value, std::size_t indent, std::string& text) {
  if (fits_a_line(value, indent)) {
    write_compact(value, text);
    return;
  }
  const std::string inner(indent + 2, ' ');
  const auto* object = value.if_object();
  text += object != nullptr ? "{" : "[";
  std::string_view separator = "\n";
  const auto begin_item = [&] {
    text.append(separator).append(inner);
    separator = ",\n";
  };
  if (object != nullptr) {
    for (const auto& member : *object) {
      begin_item();
      text += json::serialize(json::string(member.key())) + ": ";
      write_pretty(member.value(), indent + 2, text);
    }
  } else {
    for (const auto& item : value.get_array()) {
      begin_item();
      write_pretty(item, indent + 2, text);
    }
  }
  text += '\n' + std::string(indent, ' ') + (object != nullptr ? "}" : "]");
}

}  // namespace

std::string number_text(double number) {
  std::string text = fmt::format("{}", number);
  // A whole double stays one: 1.0, so that YAML and typed readers do not take it for an integer.
  return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}

std::string compact_json(const json::value& value) {
  std::string text;
  write_compact(value, text);
  return text;
}

std::string pretty_json(const json::value& value) {
  std::string text;
  write_pretty(value, 0, text);
  return text + '\n';
}

}  // namespace skerry::cli
