// label_limit.h: bounds the values of a metric's label: the first `most` names are kept, all later
// ones are "other".
//
// Not thread-safe; each user has its own.

#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace skerry::metrics {

class LabelLimit {
 public:
  explicit LabelLimit(std::size_t most) : most_(most) {}

  std::string_view operator()(std::string_view name) {
    if (const auto known = names_.find(name); known != names_.end()) {
      return *known;
    }
    if (names_.size() >= most_) {
      return "other";
    }
    return *names_.emplace(name).first;
  }

 private:
  std::size_t most_;
  std::set<std::string, std::less<>> names_;
};

}  // namespace skerry::metrics
