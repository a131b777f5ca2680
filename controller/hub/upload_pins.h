// upload_pins.h: keeps uploaded results in the blob directory from their upload until the core
// knows of them.
//
// An upload is pinned by hold(). claim() is called when a result names the blob; the pin then stays
// for kAfterClaim, by when the core has it on record. What nobody claims is discarded after a
// while. Thread-safe; hold() and expire() may remove files.

#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/time.h"
#include "controller/blobs/blob_dir.h"

namespace skerry::hub {

class UploadPins {
 public:
  static constexpr Duration kAfterClaim = minutes(1);

  UploadPins(const blobs::BlobDir& blobs, Duration unclaimed_timeout)
      : blobs_(blobs), unclaimed_timeout_(unclaimed_timeout) {}

  void hold(blobs::BlobPin pin, Instant now);
  // The size of a blob that a result names; kNotFound if it is not in the directory.
  Result<std::uint64_t> claim(const std::string& digest, Instant now);
  void expire(Instant now);

 private:
  struct Held {
    blobs::BlobPin pin;
    Instant since;
    bool claimed = false;
  };

  const blobs::BlobDir& blobs_;
  const Duration unclaimed_timeout_;
  std::mutex mutex_;
  std::map<std::string, Held> held_;  // by digest
};

}  // namespace skerry::hub
