// blob_uses.h: how often each blob is needed by what the core holds.
//
// A use that has ended still counts until the batch that says so is durable: after a crash before
// that, the job is open again and its blob must be there.

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/core/effects.h"

namespace skerry::core {

class BlobUses {
 public:
  void use(const std::string& digest) { ++uses_[digest].live; }
  // One use ends with what is being applied.
  void drop(const std::string& digest);
  // It was applied; this is the newest batch.
  void applied(BatchNumber newest);
  // The blobs that nobody needs any more, now that everything up to this batch is durable.
  std::vector<std::string> durable(BatchNumber batch);
  bool in_use(std::string_view digest) const { return uses_.contains(digest); }

 private:
  struct Uses {
    std::uint32_t live = 0;
    std::uint32_t ending = 0;
  };

  std::map<std::string, Uses, std::less<>> uses_;
  std::vector<std::string> dropped_;                        // by what is being applied
  std::deque<std::pair<BatchNumber, std::string>> ending_;  // until that batch is durable
};

}  // namespace skerry::core
