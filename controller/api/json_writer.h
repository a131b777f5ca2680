// json_writer.h: writes JSON straight into a string, with commas and escapes taken care of.
//
//   JsonWriter json;
//   json.object();
//   json.member("id", "j…").member("attempts", 3);
//   json.key("labels").object() … .end();
//   json.end();
//   json.take();
//
// Numbers that JSON cannot say (NaN, infinities) become null. Bytes that are not valid UTF-8 become
// U+FFFD.

#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/time.h"

namespace skerry::api {

class JsonWriter {
 public:
  JsonWriter& object() { return open('{'); }
  JsonWriter& array() { return open('['); }
  JsonWriter& end();  // of the innermost object or array
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool truth) { return raw(truth ? "true" : "false"); }
  JsonWriter& value(std::integral auto number) {
    char digits[24];
    return raw({digits, std::to_chars(digits, digits + sizeof digits, number).ptr});
  }
  JsonWriter& value(std::floating_point auto number) {
    if (!std::isfinite(number)) {
      return null();
    }
    char digits[40];
    return raw({digits, std::to_chars(digits, digits + sizeof digits, number).ptr});
  }
  JsonWriter& value(Instant time);  // RFC 3339, UTC
  JsonWriter& value(const std::map<std::string, std::string>& texts);
  JsonWriter& null() { return raw("null"); }
  JsonWriter& raw(std::string_view json);  // a whole value

  template <typename T>
  JsonWriter& member(std::string_view name, const T& member_value) {
    return key(name).value(member_value);
  }
  template <typename Texts>
  JsonWriter& texts(std::string_view name, const Texts& list) {
    key(name).array();
    for (const auto& text : list) {
      value(std::string_view(text));
    }
    return end();
  }

  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket);
  void separate();  // a comma where one is due

  std::string out_;
  std::string closers_;  // of the open objects and arrays, innermost last
  bool first_ = true;    // nothing stands yet in the innermost one, or a key does
};

}  // namespace skerry::api
