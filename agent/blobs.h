// blobs.h: the executor's seam to large data: artifacts, large inputs and large results, by digest.
//
// Implemented by model_cache.h over gRPC, and by fakes in tests and simulations. Calls never call
// back: answers arrive later as calls to Executor (fetched, stored) with the ticket of the call.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/messages.h"
#include "common/error.h"
#include "common/time.h"

namespace skerry::agent {

using BlobTicket = std::uint64_t;

struct Fetched {
  BlobTicket ticket = 0;
  Status status;
  std::string path;                          // of the verified file
  std::shared_ptr<const std::string> bytes;  // its content, if it was asked for
  Duration took{};                           // 0 if it was here already
  std::uint64_t transferred_bytes = 0;
};
struct Stored {
  BlobTicket ticket = 0;
  Result<std::string> digest;
};

class Blobs {
 public:
  virtual ~Blobs() = default;

  // Makes a blob present and keeps it until release(digest), called once per fetch, answered or
  // not.
  virtual void fetch(BlobTicket ticket, const std::string& digest, bool want_bytes) = 0;
  virtual void release(const std::string& digest) = 0;
  // Its file was found not to hold what its digest says: the next fetch checks it, and brings it anew.
  virtual void distrust(const std::string& digest) = 0;
  // Sends bytes to the one whose result they are; tries again for as long as it cannot be reached.
  virtual void store(BlobTicket ticket, std::shared_ptr<const std::string> bytes, Master to) = 0;
};

}  // namespace skerry::agent
