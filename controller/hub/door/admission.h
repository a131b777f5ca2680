// admission.h: asks whether a node whose certificate holds may come in: whether it is a member, and its
// certificate is not revoked.
//
// Implemented by whoever keeps the members. The order that makes a revocation complete: note it, so that
// admit() refuses, then Door::disconnect(). Thread-safe; must not block, since the door's thread waits.

#pragma once

#include "common/error.h"
#include "common/pki/certificate.h"

namespace skerry::door {

class Admission {
 public:
  virtual ~Admission() = default;
  // kPermissionDenied: not a member, or revoked, with the sentence for the log.
  virtual Status admit(const pki::Certificate& certificate) = 0;
};

}  // namespace skerry::door
