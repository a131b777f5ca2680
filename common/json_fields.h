// json_fields.h: reads the members of a JSON object strictly, and gathers everything that is wrong
// with it.
//
// Each read names a key and what it may hold. A wrong or missing member yields the fallback and
// leaves a FieldIssue, by JSON pointer, in the list that the caller owns; so a parser reads its
// whole document straight through and asks once, at the end, whether the list is empty. finish()
// adds an issue for every key that was never read, up to kEnoughIssues in the list.

#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace skerry {

// So many issues say enough. Those whose number only the document's size bounds, such as unknown keys,
// end there: an issue costs many times the few bytes that made it.
constexpr std::size_t kEnoughIssues = 100;

class JsonFields {
 public:
  // Both referents outlive the reader. A json that is missing (nullptr) or no object is one issue,
  // and every read yields its fallback.
  JsonFields(const boost::json::value* json, std::string pointer, std::vector<FieldIssue>& issues);

  std::string text(std::string_view key, std::string_view fallback = {});
  std::string required_text(std::string_view key);
  bool boolean(std::string_view key, bool fallback);
  std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t lowest,
                       std::int64_t highest);
  double number(std::string_view key, double fallback, double lowest, double highest);  // finite
  // The member as it is, or nullptr: for members with a reader of their own.
  const boost::json::value* member(std::string_view key);
  // The elements of an array; none if it is missing; an issue if it is no array or has more than
  // `most`.
  std::vector<const boost::json::value*> elements(std::string_view key, std::size_t most);

  bool has(std::string_view key) const;
  void issue(std::string_view key,
             std::string message);  // about a member, or with an empty key about the object
  void add(FieldIssue issue) { issues_.push_back(std::move(issue)); }
  std::string pointer_to(std::string_view key) const;  // "/spec/inputs/0/name"
  void finish();

 private:
  const boost::json::object* object_;  // nullptr if the value is none
  std::string pointer_;
  std::vector<FieldIssue>& issues_;
  std::vector<std::string_view> read_;
};

}  // namespace skerry
