// transfers.h: the fetches and uploads under way: bounds how many there are and ends those that do
// not move on.
//
// The bound is per connection, since an agent keeps one connection for bulk, and in total. A
// Transfer adds itself when it starts and removes itself before it deletes itself; watch() keeps it
// from going meanwhile. Thread-safe.

#pragma once

#include <grpcpp/server_context.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "common/time.h"
#include "controller/hub/options.h"
#include "controller/hub/peer.h"

namespace skerry::hub {

class Transfer {
 public:
  Transfer(grpc::CallbackServerContext& context, Result<Peer> peer, Instant now)
      : context_(context), peer_(std::move(peer)), moved_at_us_(to_us(now)) {}

 protected:
  ~Transfer() = default;
  const Peer& peer() const { return *peer_; }  // of one that was added
  void moved(Instant now) { moved_at_us_.store(to_us(now), std::memory_order_relaxed); }

 private:
  friend class Transfers;

  grpc::CallbackServerContext& context_;
  const Result<Peer> peer_;
  std::atomic<std::int64_t> moved_at_us_;
};

class Transfers {
 public:
  explicit Transfers(TransferLimits limits) : limits_(limits) {}

  // kNoCapacity: too many already; kUnauthenticated: nobody knows whose it is.
  Status add(Transfer& transfer);
  void remove(Transfer& transfer);  // also one that was not added
  void watch(Instant now);

 private:
  const TransferLimits limits_;
  std::mutex mutex_;
  std::set<Transfer*> running_;
  std::map<std::string, std::size_t> by_peer_;
};

}  // namespace skerry::hub
