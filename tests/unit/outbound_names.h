// outbound_names.h: a name server in a test's hands.

#pragma once

#include <atomic>
#include <map>
#include <mutex>

#include "common/check.h"
#include "controller/outbound/resolver.h"

namespace skerry::outbound {

// Answers a name's questions one after the other, and the last answer for ever; every other name is the first
// address of `others`. Thread-safe.
class NameServer final : public Resolver {
 public:
  using Answers = std::vector<std::vector<std::string>>;

  explicit NameServer(std::map<std::string, Answers> names, std::string others = "127.0.0.1")
      : names_(std::move(names)), others_(std::move(others)) {}

  Result<std::vector<IpAddress>> resolve(const std::string& host, Duration /*timeout*/,
                                         std::stop_token /*stop*/) override {
    const std::lock_guard lock(mutex_);
    ++asked_;
    const auto found = names_.find(host);
    if (found == names_.end()) {
      return addresses({others_});
    }
    const std::vector<std::string> answer = found->second.front();
    if (found->second.size() > 1) {
      found->second.erase(found->second.begin());
    }
    return addresses(answer);
  }

  unsigned asked() const { return asked_; }

 private:
  static std::vector<IpAddress> addresses(const std::vector<std::string>& texts) {
    std::vector<IpAddress> all;
    for (const std::string& text : texts) {
      const auto address = IpAddress::parse(text);
      check(address.has_value(), "a test names addresses");
      all.push_back(*address);
    }
    return all;
  }

  std::mutex mutex_;
  std::map<std::string, Answers> names_;
  std::string others_;
  std::atomic<unsigned> asked_ = 0;
};

}  // namespace skerry::outbound
