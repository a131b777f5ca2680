#include "cli/yaml_json.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <cmath>
#include <optional>

#include "cli/json_text.h"
#include "cli/units.h"
#include "common/yaml_documents.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxValues = 1'000'000;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

std::optional<json::value> parse_integer(std::string_view text) {
  int base = 10;
  std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  if (digits.starts_with("0x") || digits.starts_with("0o")) {
    base = digits[1] == 'x' ? 16 : 8;
    digits.remove_prefix(2);
  }
  if (digits.starts_with('-') && digits.size() != text.size()) {
    return std::nullopt;  // "+-5", "0x-5"
  }
  std::int64_t value = 0;
  const auto [end, wrong] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (wrong == std::errc() && end == digits.data() + digits.size()) {
    return value;
  }
  std::uint64_t large = 0;
  const auto [large_end, too_large] =
      std::from_chars(digits.data(), digits.data() + digits.size(), large, base);
  if (too_large == std::errc() && large_end == digits.data() + digits.size()) {
    return large;
  }
  return std::nullopt;
}

// The core schema's type of a plain scalar; a value of kind double may be infinite or not a number.
json::value resolve(const std::string& text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) {
    return nullptr;
  }
  if (is_one_of(text, {"true", "True", "TRUE"})) {
    return true;
  }
  if (is_one_of(text, {"false", "False", "FALSE"})) {
    return false;
  }
  if (auto integer = parse_integer(text)) {
    return *std::move(integer);
  }
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) {
    return std::nan("");
  }
  if (is_one_of(text, {".inf", ".Inf", ".INF", "-.inf", "-.Inf", "-.INF", "+.inf"})) {
    return INFINITY;
  }
  const std::string_view unsigned_text =
      text.starts_with('+') ? std::string_view(text).substr(1) : text;
  const bool numeric = unsigned_text.find_first_not_of("0123456789.eE+-") == std::string::npos &&
                       (unsigned_text.size() == text.size() || !unsigned_text.starts_with('-'));
  if (const auto number = numeric ? parse_number(unsigned_text) : std::nullopt) {
    return *number;
  }
  return json::string(text);
}

class Reader {
 public:
  explicit Reader(std::string_view origin) : origin_(origin) {}

  Result<json::value> read(const YAML::Node& node, int depth) {
    if (depth > kMaxDepth) {
      return refuse(node, fmt::format("is nested deeper than {} levels", kMaxDepth));
    }
    if (++values_ > kMaxValues) {
      return refuse(node, fmt::format("holds more than {} values", kMaxValues));
    }
    if (node.IsMap()) {
      return read_map(node, depth);
    }
    if (node.IsSequence()) {
      json::array array;
      for (const auto& item : node) {
        auto value = read(item, depth + 1);
        if (!value) {
          return value;
        }
        array.push_back(std::move(*value));
      }
      return array;
    }
    return node.IsScalar() ? read_scalar(node) : json::value(nullptr);
  }

 private:
  Result<json::value> read_map(const YAML::Node& node, int depth) {
    json::object object;
    for (const auto& member : node) {
      if (!member.first.IsScalar()) {
        return refuse(member.first, "a key must be a text");
      }
      const std::string& key = member.first.Scalar();
      if (object.contains(key)) {
        return refuse(member.first, fmt::format("'{}' is set twice", key));
      }
      auto value = read(member.second, depth + 1);
      if (!value) {
        return value;
      }
      object[key] = std::move(*value);
    }
    return object;
  }

  Result<json::value> read_scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str") {
      return json::string(text);
    }
    json::value value = resolve(text);
    if (value.is_double() && !std::isfinite(value.get_double())) {
      return refuse(node, fmt::format("'{}' is no finite number", text));
    }
    return value;
  }

  std::unexpected<Error> refuse(const YAML::Node& node, std::string_view what) const {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}:{}: {}", origin_, node.Mark().line + 1, what));
  }

  std::string_view origin_;
  std::size_t values_ = 0;
};

void write(YAML::Emitter& out, const json::value& value) {
  if (const auto* object = value.if_object()) {
    out << (object->empty() ? YAML::Flow : YAML::Block) << YAML::BeginMap;
    for (const auto& member : *object) {
      out << YAML::Key;
      write(out, json::string(member.key()));
      out << YAML::Value;
      write(out, member.value());
    }
    out << YAML::EndMap;
  } else if (const auto* array = value.if_array()) {
    const bool scalars =
        std::ranges::none_of(*array, [](const auto& item) { return item.is_structured(); });
    out << (scalars ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
    for (const auto& item : *array) {
      write(out, item);
    }
    out << YAML::EndSeq;
  } else if (const auto* text = value.if_string()) {
    const std::string plain(*text);
    if (!resolve(plain).is_string()) {
      out << YAML::DoubleQuoted;
    }
    out << plain;
  } else if (value.is_null()) {
    out << YAML::Null;
  } else {
    out << compact_json(value);
  }
}

}  // namespace

Result<std::vector<json::value>> json_from_yaml(std::string_view text, std::string_view origin) {
  // All JSON is YAML, but yaml-cpp does not read all of it (surrogate pairs), and is slow on
  // megabytes of base64.
  if (const std::size_t first = text.find_first_not_of(" \t\r\n");
      first != std::string_view::npos && (text[first] == '{' || text[first] == '[')) {
    json::error_code wrong;
    json::value value = json::parse(text, wrong);
    if (!wrong) {
      return std::vector{std::move(value)};
    }
  }
  try {
    std::vector<json::value> documents;
    for (const YAML::Node& node : load_yaml_documents(std::string(text))) {
      if (node.IsNull() || !node.IsDefined()) {
        continue;
      }
      auto value = Reader(origin).read(node, 0);
      if (!value) {
        return fail(std::move(value).error());
      }
      documents.push_back(std::move(*value));
    }
    return documents;
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}:{}: {}", origin, error.mark.line + 1, error.msg));
  }
}

std::string yaml_from_json(const json::value& value) {
  YAML::Emitter out;
  write(out, value);
  return std::string(out.c_str()) + '\n';
}

}  // namespace skerry::cli
