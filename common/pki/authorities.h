// authorities.h: the authorities of one installation: which one signs, which ones are believed, and how
// one follows another.
//
//   announced  believed, but does not sign yet: nodes hear of it with the bundle that comes with their
//              next certificate
//   signing    the newest whose time has come
//   retired    signs no more, but is believed for as long as somebody may still have a certificate of
//              its: the longest life and the grace of a renewal after its successor began to sign
//   gone       no longer believed; prune() removes its file
//
// Each built-in authority is one file of a folder, key and certificate together, so that a crash leaves
// all of it or nothing. An authority that was given (a company's intermediate) is read and never
// written: who gave it replaces it. Owned by one thread; blocking.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/pki/authority.h"
#include "common/pki/trust.h"
#include "common/time.h"

namespace skerry::pki {

// Enough for every node that is not cut off to renew once: at half of kNodeLife, with jitter.
constexpr Duration kAnnouncement = hours(48);

class Authorities {
 public:
  // Of a folder that nobody else may read, which is made with a first authority if it is not there.
  // kPermissionDenied: others may read it; kInvalidArgument, kCorrupt: a file that cannot be used, by
  // name; kIo.
  static Result<Authorities> open(std::string folder, std::string trust_domain, Instant now);
  // A given one: its key (secrets/given_file.h) and its certificate with those above it. Those in
  // believed_file are believed beside it, what it replaced or will be replaced by; empty: none. Errors as of
  // Authority::of() and read_given_file().
  static Result<Authorities> given(const std::string& key_file, const std::string& chain_file,
                                   std::string trust_domain, const std::string& believed_file = {});

  const Authority& signer(Instant now) const;
  TrustBundle believed(Instant now) const;
  std::vector<const Authority*> all()
      const;  // in the order in which they sign; until the next change

  // Makes one that signs after the announcement. kUnsupported for a given one; kConflict: there are
  // kMaxAuthorities; kIo.
  Status rotate(Instant now, Duration announcement = kAnnouncement);
  // Believes one no more, because its key is no longer secret: whoever has a certificate of its has to
  // join again. kNotFound; kConflict: it is the only one, so rotate first (with no announcement); kIo.
  Status forget(std::string_view fingerprint);
  // Forgets those that are gone. kIo.
  Status prune(Instant now);

 private:
  struct Member {
    Authority authority;
    std::string file;  // empty: given
  };
  Authorities(std::string folder, std::string trust_domain)
      : folder_(std::move(folder)), trust_domain_(std::move(trust_domain)) {}
  Status load();
  Status add(Authority authority);
  Status remove(std::size_t index);
  void sort();
  Instant believed_until(std::size_t index) const;

  std::string folder_;  // empty: given
  std::string trust_domain_;
  std::vector<Member> members_;  // in the order in which they sign
  Chain also_believed_;
};

}  // namespace skerry::pki
