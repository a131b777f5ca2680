// key_keeper.h: keeps the keys of one issuer at hand, fetching them on a thread of its own.
//
// Whoever verifies a token never waits for the network: keys() is a look under a short lock. The thread begins at once,
// fetches when the cache says so (key_cache.h), tells the log when something changes, and is stopped and joined by the
// destructor, which waits for a fetch only as long as its source takes to notice (outbound::Client: a second).
// Thread-safe.

#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "common/log.h"
#include "common/time.h"
#include "controller/oidc/key_cache.h"
#include "controller/oidc/key_source.h"

namespace skerry::oidc {

class KeyKeeper {
 public:
  struct State {
    std::shared_ptr<const KeySet> keys;  // nullptr: none that count
    std::string problem;                 // of the last fetch; empty if it was good
    Duration age{};                      // since the last good fetch; 0 if there was none
  };

  // `clock` and `log` outlive it. `issuer` is its name, for the log.
  KeyKeeper(std::string issuer, std::unique_ptr<KeySource> source, const KeyTimes& times,
            Clock& clock, Log& log);
  KeyKeeper(const KeyKeeper&) = delete;
  KeyKeeper& operator=(const KeyKeeper&) = delete;

  std::shared_ptr<const KeySet> keys() const;  // nullptr: none that count
  State state() const;
  // A token named a key that is not there: fetch again as soon as that is allowed.
  void want();

 private:
  void run(const std::stop_token& stop);
  void tell(const Result<KeySet>& set);

  std::string issuer_;
  std::unique_ptr<KeySource> source_;
  Clock& clock_;
  Log& log_;
  std::string told_;          // last, so that a lasting trouble is one line; of the thread alone
  mutable std::mutex mutex_;  // callers of any thread look while ours fetches
  std::condition_variable_any changed_;
  KeyCache cache_;
  std::jthread thread_;  // the last, so that it ends before what it uses
};

}  // namespace skerry::oidc
