#include "tests/fuzz/json_mutator.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "tests/fuzz/harness.h"

namespace skerry::fuzz {

namespace json = boost::json;

namespace {

constexpr std::size_t kMostNodes = 5000;
constexpr std::size_t kMostRepeats = 1500;
constexpr std::size_t kLongText = 5000;

class Mutator {
 public:
  Mutator(json::value& root, Random& random, std::span<const std::string_view> words)
      : random_(random), words_(words) {
    collect(root);
  }

  void change() {
    json::value& node = pick();
    switch (random_.below(7)) {
      case 0:
        node = anything();
        return;
      case 1:
        node = json::value(pick());  // a copy of what stands elsewhere
        return;
      case 2:
        nest(node);
        return;
      default:
        inside(node);
    }
  }

 private:
  void collect(json::value& value) {
    if (nodes_.size() == kMostNodes) {
      return;
    }
    nodes_.push_back(&value);
    if (auto* array = value.if_array()) {
      for (json::value& element : *array) {
        collect(element);
      }
    } else if (auto* object = value.if_object()) {
      for (auto& member : *object) {
        collect(member.value());
      }
    }
  }

  json::value& pick() { return *nodes_[random_.below(nodes_.size())]; }
  std::string_view word() { return words_.empty() ? "word" : words_[random_.below(words_.size())]; }

  json::value anything() {
    constexpr std::int64_t kIntegers[] = {0,
                                          1,
                                          -1,
                                          2,
                                          255,
                                          65'536,
                                          std::numeric_limits<std::int32_t>::max(),
                                          std::int64_t{1} << 53,
                                          std::numeric_limits<std::int64_t>::max(),
                                          std::numeric_limits<std::int64_t>::min()};
    constexpr double kNumbers[] = {0.5, -0.0, 1e18, 1e308, -1e308, 5e-324, 1.0 / 3};
    switch (random_.below(9)) {
      case 0:
        return nullptr;
      case 1:
        return random_.chance(0.5);
      case 2:
        return kIntegers[random_.below(std::size(kIntegers))];
      case 3:
        return kNumbers[random_.below(std::size(kNumbers))];
      case 4:
        return std::numeric_limits<std::uint64_t>::max();
      case 5:
        return json::string(word());
      case 6:
        return json::string(random_.below(kLongText), 'x');
      case 7:
        return json::array{};
      default:
        return json::object{};
    }
  }

  void nest(json::value& node) {
    for (std::uint64_t depth = 1 + random_.below(random_.chance(0.1) ? 40 : 2); depth > 0;
         --depth) {
      node = json::array{std::move(node)};
    }
  }

  void inside(json::value& node) {
    if (auto* array = node.if_array()) {
      inside(*array);
    } else if (auto* object = node.if_object()) {
      inside(*object);
    } else if (auto* text = node.if_string()) {
      *text = mutate_bytes(std::string_view(*text), 32);
    } else {
      node = anything();
    }
  }

  void inside(json::array& array) {
    if (array.empty() || random_.chance(0.2)) {
      array.push_back(anything());
    } else if (const auto at = random_.below(array.size()); random_.chance(0.4)) {
      array.erase(array.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      const std::uint64_t times = 1 + random_.below(random_.chance(0.1) ? kMostRepeats : 2);
      array.insert(array.end(), times, json::value(array[at]));
    }
  }

  void inside(json::object& object) {
    if (object.empty() || random_.chance(0.4)) {
      object.insert_or_assign(word(), anything());
    } else if (random_.chance(0.05)) {
      for (std::uint64_t i = random_.below(kMostRepeats); i > 0; --i) {
        object.insert_or_assign("k" + std::to_string(i), 0);
      }
    } else {
      const auto member =
          object.begin() + static_cast<std::ptrdiff_t>(random_.below(object.size()));
      json::value value = member->value();
      object.erase(member);
      if (random_.chance(0.5)) {  // renamed
        object.insert_or_assign(word(), std::move(value));
      }
    }
  }

  Random& random_;
  std::span<const std::string_view> words_;
  std::vector<json::value*> nodes_;
};

}  // namespace

std::optional<std::string> mutate_json(std::string_view text, Random& random,
                                       std::span<const std::string_view> words) {
  boost::system::error_code error;
  json::value root = json::parse(text, error);
  if (error || random.chance(0.2)) {
    return std::nullopt;
  }
  for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes) {
    Mutator(root, random, words).change();
  }
  return json::serialize(root);
}

}  // namespace skerry::fuzz
