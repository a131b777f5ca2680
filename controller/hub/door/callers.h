// callers.h: whose connection a call came on, by the secret that the door writes into each call
// (http2_guard.h).
//
// gRPC tells of a connection from a descriptor no more than the descriptor's number, which may be another
// connection's by the time that a late call asks. A secret is never used again: a call of a connection
// that is gone finds nobody. Thread-safe.

#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/pki/certificate.h"

namespace skerry::door {

// The other end of one connection.
struct Caller {
  std::uint64_t connection = 0;  // a number of its own
  pki::Certificate certificate;  // a node's, verified and admitted
  std::string address;           // "192.0.2.1:51034", for logs
  bool is_on_this_machine = false;

  const std::string& node() const { return certificate.node(); }
};

class Callers {
 public:
  // The secret; the caller is found by it until it is removed.
  std::string add(std::shared_ptr<const Caller> caller);
  void remove(const std::string& secret);
  std::shared_ptr<const Caller> find(std::string_view secret) const;  // null: nobody

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Caller>> by_secret_;
};

}  // namespace skerry::door
