// sim_blobs.h: the controller's directory of large inputs and results, as controller/blobs and the
// pins of controller/hub/upload_pins.h keep it together.
//
// What is put is durable at once. What agents put is pinned: for an hour, or, once a result named it,
// for a minute; pins end with the controller's process. What nobody needs is swept when one starts.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/time.h"

namespace skerry::sim {

class SimBlobDir {
 public:
  using InUse = std::function<bool(const std::string& digest)>;
  using Bytes = std::shared_ptr<const std::string>;

  // Its name.
  static std::string digest_of(const std::string& bytes);

  std::string put(const Bytes& bytes, Instant pinned_until);
  Bytes read(const std::string& digest) const;  // nullptr if it is not there
  // A result names it. False if it is not there.
  bool claim(const std::string& digest, Instant pinned_until);

  // No job needs it any more: it goes, unless it is pinned.
  void abandon(const std::string& digest, Instant now);
  // Pins whose time is up.
  void look(Instant now, const InUse& in_use);
  void controller_started(const InUse& in_use);

  // Not pinned, and not needed.
  std::vector<std::string> unneeded(Instant now, const InUse& needed) const;

 private:
  struct Blob {
    Bytes bytes;
    Instant pinned_until{};
  };

  std::map<std::string, Blob> blobs_;
};

}  // namespace skerry::sim
