#include "common/json_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <limits>

namespace skerry {

JsonFields::JsonFields(const boost::json::value* json, std::string pointer,
                       std::vector<FieldIssue>& issues)
    : object_(json == nullptr ? nullptr : json->if_object()),
      pointer_(std::move(pointer)),
      issues_(issues) {
  if (object_ == nullptr) {
    issue("", "must be an object");
  }
}

const boost::json::value* JsonFields::member(std::string_view key) {
  read_.push_back(key);
  return object_ == nullptr ? nullptr : object_->if_contains(key);
}

bool JsonFields::has(std::string_view key) const {
  return object_ != nullptr && object_->contains(key);
}

std::string JsonFields::pointer_to(std::string_view key) const {
  std::string pointer = pointer_;
  if (!key.empty()) {
    pointer.push_back('/');
  }
  for (const char c : key.substr(0, 80)) {  // RFC 6901: ~ and / are escaped
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer.push_back(c);
    }
  }
  return pointer;
}

void JsonFields::issue(std::string_view key, std::string message) {
  issues_.push_back({.field = pointer_to(key), .message = std::move(message)});
}

std::string JsonFields::text(std::string_view key, std::string_view fallback) {
  const auto* value = member(key);
  if (value == nullptr) {
    return std::string(fallback);
  }
  const auto* string = value->if_string();
  if (string == nullptr) {
    issue(key, "must be a text");
    return std::string(fallback);
  }
  return std::string(*string);
}

std::string JsonFields::required_text(std::string_view key) {
  if (object_ != nullptr && !has(key)) {
    issue(key, "is missing");
  }
  std::string value = text(key);
  if (value.empty() && has(key) && object_->at(key).is_string()) {
    issue(key, "must not be empty");
  }
  return value;
}

bool JsonFields::boolean(std::string_view key, bool fallback) {
  const auto* value = member(key);
  if (value == nullptr) {
    return fallback;
  }
  if (!value->is_bool()) {
    issue(key, "must be true or false");
    return fallback;
  }
  return value->get_bool();
}

std::int64_t JsonFields::integer(std::string_view key, std::int64_t fallback, std::int64_t lowest,
                                 std::int64_t highest) {
  const auto* value = member(key);
  if (value == nullptr) {
    return fallback;
  }
  boost::system::error_code wrong;
  const auto number = value->is_number() ? value->to_number<std::int64_t>(wrong) : std::int64_t{0};
  if (!value->is_number() || wrong || number < lowest || number > highest) {
    issue(key, fmt::format("must be a whole number from {} to {}", lowest, highest));
    return fallback;
  }
  return number;
}

double JsonFields::number(std::string_view key, double fallback, double lowest, double highest) {
  const auto* value = member(key);
  if (value == nullptr) {
    return fallback;
  }
  const double number =
      value->is_number() ? value->to_number<double>() : std::numeric_limits<double>::quiet_NaN();
  if (!std::isfinite(number) || number < lowest || number > highest) {
    issue(key, fmt::format("must be a number from {} to {}", lowest, highest));
    return fallback;
  }
  return number;
}

std::vector<const boost::json::value*> JsonFields::elements(std::string_view key,
                                                            std::size_t most) {
  const auto* value = member(key);
  if (value == nullptr) {
    return {};
  }
  const auto* array = value->if_array();
  if (array == nullptr || array->size() > most) {
    issue(key, fmt::format("must be a list of at most {}", most));
    return {};
  }
  std::vector<const boost::json::value*> items;
  items.reserve(array->size());
  for (const auto& item : *array) {
    items.push_back(&item);
  }
  return items;
}

void JsonFields::finish() {
  if (object_ == nullptr) {
    return;
  }
  for (const auto& entry : *object_) {
    if (issues_.size() >= kEnoughIssues) {
      return;
    }
    const std::string_view key = entry.key();
    if (std::ranges::find(read_, key) == read_.end()) {
      issue(key, "is not a known field");
    }
  }
}

}  // namespace skerry
