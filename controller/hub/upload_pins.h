// upload_pins.h: keeps uploaded results in the blob directory from their upload until the core
// knows of them.
//
// An upload is pinned by hold(). claim() is called when a result names the blob; the pin then stays
// for kAfterClaim, by when the core has it on record, or has refused the result, or has answered
// with it and forgotten it. due() names those whose time is up: the core is asked whether it needs
// them, and settle() lets go of them, and removes what is needed by nobody.
//
// Thread-safe; claim() and settle() do file I/O.

#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/time.h"
#include "controller/blobs/blob_dir.h"

namespace skerry::hub {

class UploadPins {
 public:
  static constexpr Duration kAfterClaim = minutes(1);

  UploadPins(blobs::BlobDir& blobs, Duration unclaimed_timeout)
      : blobs_(blobs), unclaimed_timeout_(unclaimed_timeout) {}

  void hold(blobs::BlobPin pin, Instant now);
  // The size of a blob that a result names, which is pinned from now on; kNotFound if it is not in
  // the directory.
  Result<std::uint64_t> claim(const std::string& digest, Instant now);
  // Each once, unless it is held or claimed again.
  std::vector<std::string> due(Instant now);
  // Does nothing if the blob was held or claimed again since due() named it.
  void settle(const std::string& digest, bool needed);

 private:
  struct Held {
    blobs::BlobPin pin;
    Instant since;
    bool claimed = false;
    bool asked = false;  // due() named it
  };

  blobs::BlobDir& blobs_;
  const Duration unclaimed_timeout_;
  std::mutex mutex_;
  std::map<std::string, Held> held_;  // by digest
};

}  // namespace skerry::hub
