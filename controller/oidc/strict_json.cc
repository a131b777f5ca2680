#include "controller/oidc/strict_json.h"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace skerry::oidc {

namespace json = boost::json;
using boost::system::error_code;

namespace {

// Sees every part of a document without keeping it; what it refuses ends the parse with its own sentence.
class Inspector {
 public:
  explicit Inspector(std::size_t most_values) : left_(most_values) {}

  const std::string& refusal() const { return refusal_; }

  // What basic_parser asks of a handler (Boost.JSON, basic_parser).
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code& error) {
    names_.emplace_back();
    return count(error);
  }
  bool on_object_end(std::size_t, error_code&) {
    names_.pop_back();
    return true;
  }
  bool on_array_begin(error_code& error) { return count(error); }
  bool on_array_end(std::size_t, error_code&) { return true; }
  bool on_key_part(std::string_view part, std::size_t, error_code& error) {
    name_ += part;
    return no_nul(part, error);
  }
  bool on_key(std::string_view part, std::size_t, error_code& error) {
    if (!on_key_part(part, 0, error)) {
      return false;
    }
    if (!names_.back().insert(std::exchange(name_, {})).second) {
      return refuse("has a member twice", error);
    }
    return count(error);
  }
  bool on_string_part(std::string_view part, std::size_t, error_code& error) {
    return no_nul(part, error);
  }
  bool on_string(std::string_view part, std::size_t, error_code& error) {
    return no_nul(part, error) && count(error);
  }
  bool on_number_part(std::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t, std::string_view, error_code& error) { return count(error); }
  bool on_uint64(std::uint64_t, std::string_view, error_code& error) { return count(error); }
  bool on_double(double, std::string_view, error_code& error) { return count(error); }
  bool on_bool(bool, error_code& error) { return count(error); }
  bool on_null(error_code& error) { return count(error); }
  bool on_comment_part(std::string_view, error_code&) { return true; }
  bool on_comment(std::string_view, error_code&) { return true; }

 private:
  bool count(error_code& error) {
    if (left_ == 0) {
      return refuse("has too many values", error);
    }
    --left_;
    return true;
  }
  bool no_nul(std::string_view part, error_code& error) {
    return part.find('\0') == std::string_view::npos || refuse("has a text with a NUL", error);
  }
  bool refuse(std::string_view why, error_code& error) {
    refusal_ = why;
    error = json::make_error_code(json::error::syntax);  // any: the sentence is what is told
    return false;
  }

  std::size_t left_;
  std::vector<std::set<std::string>> names_;  // of the objects that are open
  std::string name_;
  std::string refusal_;
};

}  // namespace

Result<json::object> parse_strict_object(std::string_view text, const JsonBounds& bounds) {
  if (text.size() > bounds.bytes) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("has {} bytes; at most {} are taken", text.size(), bounds.bytes));
  }
  json::parse_options options;
  options.max_depth = bounds.depth;
  json::basic_parser<Inspector> inspecting(options, bounds.values);
  error_code error;
  const std::size_t used = inspecting.write_some(false, text.data(), text.size(), error);
  if (error == json::error::too_deep) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("is nested deeper than {}", bounds.depth));
  }
  if (error || used != text.size()) {
    const std::string& refusal = inspecting.handler().refusal();
    return fail(ErrorCode::kInvalidArgument, refusal.empty() ? "is not valid JSON" : refusal);
  }
  json::value value = json::parse(text, error, {}, options);
  if (error || !value.is_object()) {
    return fail(ErrorCode::kInvalidArgument, error ? "is not valid JSON" : "is not a JSON object");
  }
  return std::move(value.get_object());
}

}  // namespace skerry::oidc
