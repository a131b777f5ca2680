// resolver.h: the addresses of a name, behind an interface, so that tests can be a hostile name server.

#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/time.h"
#include "controller/outbound/address.h"

namespace skerry::outbound {

class Resolver {
 public:
  virtual ~Resolver() = default;
  // All addresses of the name, at least one. kUnavailable if there are none; kDeadlineExceeded;
  // kCancelled once a stop is requested. Called from any thread.
  virtual Result<std::vector<IpAddress>> resolve(const std::string& host, Duration timeout,
                                                 std::stop_token stop) = 0;
};

// The system's: getaddrinfo, with hosts files and whatever else the machine is set up for. It knows no
// time limit, so it runs on a thread of its own; one whose time is over is left to end by itself, and
// while several such have not ended, further names are refused.
class SystemResolver final : public Resolver {
 public:
  Result<std::vector<IpAddress>> resolve(const std::string& host, Duration timeout,
                                         std::stop_token stop) override;
};

}  // namespace skerry::outbound
