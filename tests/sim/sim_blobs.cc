#include "tests/sim/sim_blobs.h"

#include <fmt/format.h>

#include <algorithm>

namespace skerry::sim {

// Contents differ within their first bytes (sim_engine.cc), and a simulation needs no SHA-256.
std::string SimBlobDir::digest_of(const std::string& bytes) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : bytes.substr(0, 64)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return fmt::format("sha256:{:064x}", hash);
}

std::string SimBlobDir::put(const Bytes& bytes, Instant pinned_until) {
  std::string digest = digest_of(*bytes);
  Blob& blob = blobs_[digest];
  blob.bytes = bytes;
  blob.pinned_until = std::max(blob.pinned_until, pinned_until);
  return digest;
}

SimBlobDir::Bytes SimBlobDir::read(const std::string& digest) const {
  const auto found = blobs_.find(digest);
  return found == blobs_.end() ? nullptr : found->second.bytes;
}

bool SimBlobDir::claim(const std::string& digest, Instant pinned_until) {
  const auto found = blobs_.find(digest);
  if (found == blobs_.end()) {
    return false;
  }
  found->second.pinned_until = pinned_until;
  return true;
}

void SimBlobDir::abandon(const std::string& digest, Instant now) {
  const auto found = blobs_.find(digest);
  if (found != blobs_.end() && found->second.pinned_until <= now) {
    blobs_.erase(found);
  }
}

void SimBlobDir::look(Instant now, const InUse& in_use) {
  std::erase_if(blobs_, [&](const auto& blob) {
    return blob.second.pinned_until != Instant{} && blob.second.pinned_until <= now &&
           !in_use(blob.first);
  });
}

void SimBlobDir::controller_started(const InUse& in_use) {
  std::erase_if(blobs_, [&](const auto& blob) { return !in_use(blob.first); });
  for (auto& [digest, blob] : blobs_) {
    blob.pinned_until = {};
  }
}

std::vector<std::string> SimBlobDir::unneeded(Instant now, const InUse& needed) const {
  std::vector<std::string> left;
  for (const auto& [digest, blob] : blobs_) {
    if (!needed(digest) && blob.pinned_until <= now) {
      left.push_back(fmt::format("{} is kept and nobody needs it", digest));
    }
  }
  return left;
}

}  // namespace skerry::sim
