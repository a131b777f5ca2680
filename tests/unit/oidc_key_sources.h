// auth_key_sources.h: clocks and sources of keys in a test's hands.

#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "controller/oidc/key_source.h"
#include "controller/outbound/fetcher.h"
#include "tests/unit/oidc_keys.h"

namespace skerry::oidc {

class HandClock final : public Clock {
 public:
  Instant now() override { return now_; }
  void move(Duration by) { now_ = now_.load() + by; }

 private:
  std::atomic<Instant> now_ = TestIssuer::kNow;
};

// A source whose answers a test gives, one by one: a fetch waits for its own.
class KeyScript {
 public:
  class Source final : public KeySource {
   public:
    explicit Source(KeyScript& script) : script_(script) {}
    Result<KeySet> fetch(std::stop_token stop) override { return script_.fetch(std::move(stop)); }

   private:
    KeyScript& script_;
  };

  std::unique_ptr<KeySource> source() { return std::make_unique<Source>(*this); }
  void answer(Result<KeySet> set) {
    {
      const std::lock_guard lock(mutex_);
      answers_.push_back(std::move(set));
    }
    changed_.notify_all();
  }
  // Returns once so many fetches have begun.
  void await_fetches(unsigned count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return fetches_ >= count; });
  }
  unsigned fetches() const {
    const std::lock_guard lock(mutex_);
    return fetches_;
  }

 private:
  Result<KeySet> fetch(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    ++fetches_;
    changed_.notify_all();
    if (!changed_.wait(lock, std::move(stop), [&] { return !answers_.empty(); })) {
      return fail(ErrorCode::kCancelled, "stopped");
    }
    Result<KeySet> set = std::move(answers_.front());
    answers_.pop_front();
    return set;
  }

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Result<KeySet>> answers_;
  unsigned fetches_ = 0;
};

// A web of few pages; whatever else is asked for does not resolve. Outlives its fetchers.
class Web {
 public:
  void put(const std::string& url, std::string body, int status = 200) {
    const std::lock_guard lock(mutex_);
    pages_[url] = {.status = status, .content_type = "application/json", .body = std::move(body)};
  }
  void take_away(const std::string& url) {
    const std::lock_guard lock(mutex_);
    pages_.erase(url);
  }
  std::unique_ptr<outbound::Fetcher> fetcher() { return std::make_unique<Fetcher>(*this); }

 private:
  class Fetcher final : public outbound::Fetcher {
   public:
    explicit Fetcher(Web& web) : web_(web) {}
    Result<outbound::Response> fetch(const outbound::Request& request,
                                     std::stop_token /*stop*/) override {
      const std::lock_guard lock(web_.mutex_);
      const auto page = web_.pages_.find(request.url);
      return page == web_.pages_.end() ? fail(ErrorCode::kUnavailable, "nobody is there")
                                       : Result<outbound::Response>(page->second);
    }

   private:
    Web& web_;
  };

  std::mutex mutex_;
  std::map<std::string, outbound::Response> pages_;
};

// Until what another thread does is seen.
template <typename Condition>
void await(Condition condition) {
  while (!condition()) {
    std::this_thread::yield();
  }
}

}  // namespace skerry::oidc
