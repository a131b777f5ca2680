#include "controller/outbound/resolver.h"

#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace skerry::outbound {

namespace {

using Addresses = Result<std::vector<IpAddress>>;

constexpr std::size_t kMostAddresses = 16;  // of one name that are looked at
constexpr std::size_t kMostAbandoned = 8;

Addresses ask_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // or each address comes once for each kind of socket
  addrinfo* first = nullptr;
  if (const int wrong = getaddrinfo(host.c_str(), nullptr, &hints, &first); wrong != 0) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("'{}' does not resolve: {}", host, gai_strerror(wrong)));
  }
  std::vector<IpAddress> found;
  for (const addrinfo* at = first; at != nullptr; at = at->ai_next) {
    const auto address = IpAddress::from(*at->ai_addr);
    if (address && std::ranges::find(found, *address) == found.end()) {
      found.push_back(*address);
    }
  }
  freeaddrinfo(first);
  if (found.empty() || found.size() > kMostAddresses) {
    return fail(ErrorCode::kUnavailable, fmt::format("'{}' has {} addresses; 1 to {} are taken",
                                                     host, found.size(), kMostAddresses));
  }
  return found;
}

// One question to the system, on a thread of its own. Shared by that thread and whoever waits.
class Lookup {
 public:
  void answer(Addresses addresses) {
    {
      const std::lock_guard lock(mutex_);
      answer_ = std::move(addresses);
    }
    answered_.notify_all();
  }
  // nullopt: the time is over, or a stop was requested.
  std::optional<Addresses> wait(Duration timeout, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    answered_.wait_for(lock, std::move(stop), timeout, [&] { return answer_.has_value(); });
    return answer_;
  }
  bool is_answered() {
    const std::lock_guard lock(mutex_);
    return answer_.has_value();
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any answered_;
  std::optional<Addresses> answer_;
};

// Threads whose answer nobody waits for any more, until they end by themselves.
class Abandoned {
 public:
  // The number that has not ended.
  std::size_t reap() {
    const std::lock_guard lock(mutex_);
    std::erase_if(all_, [](One& one) {
      const bool ended = one.lookup->is_answered();
      if (ended) {
        one.thread.join();
      }
      return ended;
    });
    return all_.size();
  }
  void add(std::shared_ptr<Lookup> lookup, std::thread thread) {
    const std::lock_guard lock(mutex_);
    all_.push_back({std::move(lookup), std::move(thread)});
  }

 private:
  struct One {
    std::shared_ptr<Lookup> lookup;
    std::thread thread;
  };

  std::mutex mutex_;  // any thread resolves
  std::list<One> all_;
};

// Never destroyed: a stop of the process does not wait for a name server.
Abandoned& abandoned() {
  static auto* const all = new Abandoned;
  return *all;
}

}  // namespace

Addresses SystemResolver::resolve(const std::string& host, Duration timeout, std::stop_token stop) {
  if (abandoned().reap() >= kMostAbandoned) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("'{}' is not resolved: {} names before it have no answer yet", host,
                            kMostAbandoned));
  }
  const auto lookup = std::make_shared<Lookup>();
  std::thread thread([lookup, host] { lookup->answer(ask_system(host)); });
  std::optional<Addresses> answer = lookup->wait(timeout, stop);
  if (answer && !stop.stop_requested()) {
    thread.join();
    return *std::move(answer);
  }
  abandoned().add(lookup, std::move(thread));
  return stop.stop_requested()
             ? fail(ErrorCode::kCancelled, fmt::format("resolving '{}' was stopped", host))
             : fail(ErrorCode::kDeadlineExceeded,
                    fmt::format("'{}' was not resolved in time", host));
}

}  // namespace skerry::outbound
