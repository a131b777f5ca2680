#include "cli/json_read.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/json_text.h"

namespace skerry::cli {

namespace json = boost::json;

const json::value* find(const json::value& value, std::string_view path) {
  const json::value* at = &value;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const auto* object = at->if_object();
    at = object == nullptr ? nullptr : object->if_contains(path.substr(0, end));
    if (at == nullptr) {
      return nullptr;
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return at;
}

std::string text_at(const json::value& value, std::string_view path) {
  const json::value* found = find(value, path);
  if (found == nullptr || found->is_null() || found->is_structured()) {
    return {};
  }
  const auto* text = found->if_string();
  return text != nullptr ? std::string(*text) : compact_json(*found);
}

std::optional<double> number_at(const json::value& value, std::string_view path) {
  const json::value* found = find(value, path);
  return found != nullptr && found->is_number() ? std::optional(found->to_number<double>())
                                                : std::nullopt;
}

bool true_at(const json::value& value, std::string_view path) {
  const json::value* found = find(value, path);
  return found != nullptr && found->is_bool() && found->get_bool();
}

const json::array& items_at(const json::value& value, std::string_view path) {
  static const json::array none;
  const json::value* found = find(value, path);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

const json::object& members_at(const json::value& value, std::string_view path) {
  static const json::object none;
  const json::value* found = find(value, path);
  return found != nullptr && found->is_object() ? found->get_object() : none;
}

const json::value& manifest_of(const json::value& model) {
  const json::value* manifest = find(model, "manifest");
  return manifest != nullptr ? *manifest : model;
}

std::string joined_at(const json::value& value, std::string_view path) {
  std::string text;
  const auto add = [&](const std::string& word) { text += (text.empty() ? "" : ",") + word; };
  for (const auto& item : items_at(value, path)) {
    add(text_at(item, ""));
  }
  for (const auto& member : members_at(value, path)) {
    add(std::string(member.key()) + "=" + text_at(member.value(), ""));
  }
  return text;
}

}  // namespace skerry::cli
