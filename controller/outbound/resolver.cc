#include "controller/outbound/resolver.h"

#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <memory>
#include <mutex>

namespace skerry::outbound {

namespace {

constexpr std::size_t kMostAddresses = 16;  // of one name that are looked at
constexpr std::size_t kMostAbandoned = 8;
constexpr std::chrono::nanoseconds kStopCheck = milliseconds(100);

// One question to glibc, which refers to it until it is answered.
class Lookup {
 public:
  explicit Lookup(std::string host) : host_(std::move(host)) {
    hints_.ai_family = AF_UNSPEC;
    hints_.ai_socktype = SOCK_STREAM;  // or each address comes once for each kind of socket
    request_.ar_name = host_.c_str();
    request_.ar_request = &hints_;
  }
  ~Lookup() {
    if (request_.ar_result != nullptr) {
      freeaddrinfo(request_.ar_result);
    }
  }
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  int start() {
    gaicb* list[] = {&request_};
    return getaddrinfo_a(GAI_NOWAIT, list, 1, nullptr);
  }
  // EAI_INPROGRESS while there is no answer.
  int state() { return gai_error(&request_); }
  void wait(std::chrono::nanoseconds most) {
    const gaicb* const list[] = {&request_};
    const timespec timeout{.tv_sec = 0, .tv_nsec = most.count()};
    gai_suspend(list, 1, &timeout);
  }
  void cancel() { gai_cancel(&request_); }

  std::vector<IpAddress> addresses() const {
    std::vector<IpAddress> found;
    for (const addrinfo* at = request_.ar_result; at != nullptr; at = at->ai_next) {
      const auto address = IpAddress::from(*at->ai_addr);
      if (address && std::ranges::find(found, *address) == found.end()) {
        found.push_back(*address);
      }
    }
    return found;
  }

 private:
  std::string host_;
  addrinfo hints_{};
  gaicb request_{};
};

// Questions whose time was over before their answer came. Never destroyed: glibc's threads may outlive main.
class Abandoned {
 public:
  // The number that is still under way.
  std::size_t reap() {
    const std::lock_guard lock(mutex_);
    std::erase_if(lookups_, [](const auto& lookup) { return lookup->state() != EAI_INPROGRESS; });
    return lookups_.size();
  }
  void add(std::unique_ptr<Lookup> lookup) {
    const std::lock_guard lock(mutex_);
    lookups_.push_back(std::move(lookup));
  }

 private:
  std::mutex mutex_;  // any thread resolves
  std::list<std::unique_ptr<Lookup>> lookups_;
};

Abandoned& abandoned() {
  static auto* const all = new Abandoned;
  return *all;
}

}  // namespace

Result<std::vector<IpAddress>> SystemResolver::resolve(const std::string& host, Duration timeout,
                                                       std::stop_token stop) {
  if (abandoned().reap() >= kMostAbandoned) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("'{}' is not resolved: {} names before it have no answer yet", host,
                            kMostAbandoned));
  }
  const auto stopped = [&] {
    return fail(ErrorCode::kCancelled, fmt::format("resolving '{}' was stopped", host));
  };
  if (stop.stop_requested()) {
    return stopped();
  }
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  auto lookup = std::make_unique<Lookup>(host);
  if (const int wrong = lookup->start(); wrong != 0) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("'{}' is not resolved: {}", host, gai_strerror(wrong)));
  }
  while (lookup->state() == EAI_INPROGRESS) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero() || stop.stop_requested()) {
      lookup->cancel();
      abandoned().add(std::move(lookup));
      return stop.stop_requested() ? stopped()
                                   : fail(ErrorCode::kDeadlineExceeded,
                                          fmt::format("'{}' was not resolved in time", host));
    }
    lookup->wait(std::min<std::chrono::nanoseconds>(left, kStopCheck));
  }
  if (const int wrong = lookup->state(); wrong != 0) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("'{}' does not resolve: {}", host, gai_strerror(wrong)));
  }
  std::vector<IpAddress> addresses = lookup->addresses();
  if (addresses.empty() || addresses.size() > kMostAddresses) {
    return fail(ErrorCode::kUnavailable, fmt::format("'{}' has {} addresses; 1 to {} are taken",
                                                     host, addresses.size(), kMostAddresses));
  }
  return addresses;
}

}  // namespace skerry::outbound
