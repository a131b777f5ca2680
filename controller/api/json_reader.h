// json_reader.h: parses request bodies within bounds, and the reads that JsonFields
// (common/json_fields.h) leaves open.
//
// A document is parsed once, into memory of its own that is released at once with it. Depth is
// limited to 32, and memory to kJsonMemoryBytes, since a number costs 24 bytes of it and as little
// as 2 of the body; and all documents together to a budget.

#pragma once

#include <fmt/format.h>

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/json_fields.h"
#include "controller/api/body_budget.h"

namespace skerry::api {

constexpr std::size_t kJsonDepth = 32;
constexpr std::size_t kJsonMemoryBytes = 256 * 1024 * 1024;

// Gives memory up to a limit, or while the budget has some, then throws std::bad_alloc.
class LimitedMemory final : public boost::json::memory_resource {
 public:
  LimitedMemory(std::size_t limit_bytes, BodyBudget& all) : left_bytes_(limit_bytes), share_(all) {}

  // The last refusal was the budget's.
  bool others_have_it() const { return others_have_it_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override;
  bool do_is_equal(const boost::json::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::size_t left_bytes_;
  BodyShare share_;
  bool others_have_it_ = false;
};

class JsonDocument {
 public:
  // kInvalidArgument with line and column of what is no JSON; kTooLarge; kOverloaded if other
  // documents have used up the budget, which outlives this one.
  static Result<JsonDocument> parse(std::string_view text, BodyBudget& all,
                                    std::size_t memory_bytes = kJsonMemoryBytes);
  JsonDocument(JsonDocument&&) = default;
  JsonDocument& operator=(JsonDocument&&) =
      delete;  // the root would be copied to memory that is gone
  const boost::json::value& root() const { return *root_; }

 private:
  struct Memory {
    Memory(std::size_t bytes, BodyBudget& all) : limited(bytes, all) {}
    LimitedMemory limited;
    std::array<unsigned char, 4096> first;
    boost::json::monotonic_resource pool{first.data(), first.size(), &limited};
  };
  JsonDocument(std::size_t memory_bytes, BodyBudget& all)
      : memory_(std::make_unique<Memory>(memory_bytes, all)) {}

  std::unique_ptr<Memory> memory_;
  std::optional<boost::json::value> root_;  // lies in memory_; never destroyed member by member
};

// A member that is one of a few words; others are an issue that lists them.
template <typename T, std::size_t N>
T read_word(JsonFields& fields, std::string_view key, T fallback,
            const std::array<std::pair<std::string_view, T>, N>& words) {
  if (!fields.has(key)) {
    fields.member(key);
    return fallback;
  }
  const std::string word = fields.text(key);
  std::string known;
  for (const auto& [name, value] : words) {
    if (name == word) {
      return value;
    }
    known += known.empty() ? name : fmt::format(", {}", name);
  }
  fields.issue(key, fmt::format("must be one of {}", known));
  return fallback;
}

// A list of texts of 1 to `longest` bytes each.
std::vector<std::string> read_texts(JsonFields& fields, std::string_view key, std::size_t most,
                                    std::size_t longest, std::vector<FieldIssue>& issues);
// An object of texts; keys of 1 to 63 bytes, texts of at most 253.
std::map<std::string, std::string> read_text_map(JsonFields& fields, std::string_view key,
                                                 std::size_t most);
// A number, if the member is there; beyond the limits is an issue.
std::optional<double> read_optional_number(JsonFields& fields, std::string_view key, double lowest,
                                           double highest);

// kInvalidArgument with all issues, if there are any: "2 fields are wrong: /model is missing; …".
Status to_status(std::vector<FieldIssue> issues);

}  // namespace skerry::api
