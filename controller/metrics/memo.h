// memo.h: handles of metrics by their labels' values, looked up once and kept.

#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace skerry::metrics {

// A memo from a few label values to the handles made for them.
template <typename Handles>
class Memo {
 public:
  template <typename Make>
  Handles& get(std::initializer_list<std::string_view> labels, Make make) {
    key_.clear();
    for (const std::string_view label : labels) {
      key_.append(label).push_back('\x1f');
    }
    const auto found = handles_.find(key_);
    return found != handles_.end() ? found->second : handles_.emplace(key_, make()).first->second;
  }

 private:
  std::string key_;
  std::unordered_map<std::string, Handles> handles_;
};

}  // namespace skerry::metrics
